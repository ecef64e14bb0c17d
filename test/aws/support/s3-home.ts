/** A home whose table and records lie in a bucket of versitygw, and are looked at in that server's own folder. */
import { join } from 'node:path'
import { workflowIdOf } from '../../../src/runtime/temporal/workflow-id.js'
import { normalisedUri } from '../../../src/runtime/uri.js'
import { Home, type HomeOptions } from '../../e2e/support/home.js'
import { makeBucket, type S3Server } from './servers.js'

/** A table in a bucket. */
export class S3Home extends Home {
  readonly #server: S3Server
  readonly bucket: string

  private constructor(server: S3Server, bucket: string, options: HomeOptions, place?: { root: string; state: string }) {
    super(place ? undefined : inBucket(server.endpoint, bucket, options), place)
    this.#server = server
    this.bucket = bucket
  }

  /** @param endpoint how ETL3 reaches the server, if not directly */
  static async make(server: S3Server, options: HomeOptions, endpoint = server.endpoint): Promise<S3Home> {
    return new S3Home({ ...server, endpoint }, await makeBucket(server.endpoint), options)
  }

  /** @override The same table as somebody sees it who has a server and workers of their own. */
  override elsewhere(): S3Home {
    return new S3Home(this.#server, this.bucket, { star: '' }, { root: this.root, state: 'state-elsewhere' })
  }

  /** Another machine: folders of its own, and only the bucket in common. */
  machine(options: HomeOptions): S3Home {
    return new S3Home(this.#server, this.bucket, options)
  }

  /** Another table, in a bucket of its own, configured in this home's folder: a worker that was started here serves it. */
  async neighbour(options: HomeOptions): Promise<S3Home> {
    const home = new S3Home(
      this.#server,
      await makeBucket(this.#server.endpoint),
      { star: '' },
      { root: this.root, state: 'state' },
    )
    home.configure(options)
    return home
  }

  override configure(options: HomeOptions): void {
    // The constructor of the base calls it with everything said; later calls have the bucket to add.
    super.configure('output' in options ? options : inBucket(this.#server.endpoint, this.bucket, options))
  }

  override get table(): string {
    return join(this.#server.folder ?? '', this.bucket, 'lake', 'table')
  }

  override get metadata(): string {
    return join(this.#server.folder ?? '', this.bucket, 'lake', 'etl3')
  }

  override get workflowId(): string {
    return workflowIdOf({
      output: { uri: normalisedUri(`s3://${this.bucket}/lake/table`) },
    })
  }
}

/** What `analytics` says is a part of the output. */
function inBucket(endpoint: string, bucket: string, { athena, analytics, ...others }: HomeOptions): HomeOptions {
  return {
    output: {
      uri: `s3://${bucket}/lake/table/`,
      metadata_uri: `s3://${bucket}/lake/etl3`,
      ...(analytics === undefined ? {} : { analytics }),
    },
    s3: { endpoint },
    // One Glue serves all tables of a test file; in most of them nobody answers as Athena.
    athena: { database: bucket.replaceAll('-', '_'), count_rows: false, ...athena },
    // Requests take their share of the machine: a worker that is alive is not to look dead.
    temporal: { heartbeat_timeout_ms: 8_000 },
    ...others,
  }
}
