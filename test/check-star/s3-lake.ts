/** A lake as on AWS, on this machine: versitygw as S3 over a folder, moto as Glue. */
import { join } from 'node:path'
import { type Moto, startMoto } from '../aws/moto.js'
import { CREDENTIAL_VARIABLES, makeBucket, type S3Server, startVersitygw } from '../aws/support/servers.js'
import type { BucketPlace } from './etl3-process.js'

/** The servers, and what a command needs to reach them. */
export interface S3Lake {
  readonly s3: S3Server
  readonly glue: Moto
  /** Variables of a command. */
  readonly env: Readonly<Record<string, string>>
  /** Makes a bucket. @param endpoint how ETL3 reaches the server, if not directly */
  place(endpoint?: string): Promise<BucketPlace & { readonly table: string }>
  stop(): Promise<void>
}

/** Starts both servers, with nothing in them. */
export async function startS3Lake(): Promise<S3Lake> {
  const s3 = await startVersitygw()
  const glue = await startMoto()
  return {
    s3,
    glue,
    env: { ...CREDENTIAL_VARIABLES, AWS_ENDPOINT_URL_GLUE: glue.url },
    async place(endpoint = s3.endpoint) {
      const bucket = await makeBucket(s3.endpoint)
      // One Glue serves all tables: a database for each.
      const database = bucket.replaceAll('-', '_')
      return { bucket, endpoint, database, table: join(s3.folder ?? '', bucket, 'table') }
    },
    async stop() {
      await Promise.all([s3.stop(), glue.stop()])
    },
  }
}
