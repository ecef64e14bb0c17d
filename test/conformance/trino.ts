/** Trino, the engine of Athena v3, over Glue and S3 servers of a test; asked by its HTTP API. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { freePort } from '../../src/runtime/temporal/dev-server.js'

const PATIENCE_MS = 300_000
const LOOK_INTERVAL_MS = 500

/** Where Trino finds everything. */
export interface TrinoOptions {
  readonly java: string
  /** Folder with `lib/` and `plugin/`. */
  readonly home: string
  readonly glueEndpoint: string
  readonly s3Endpoint: string
  readonly accessKey: string
  readonly secretKey: string
}

/** Both show the same Glue: `hive` the tables with a partition for each file, `iceberg` the analytics table; `hive` passes it on. */
export type TrinoCatalog = 'hive' | 'iceberg'

/** An answer: names and Trino's types, and rows as JSON gives them. */
export interface TrinoAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

const pageSchema = z.object({
  nextUri: z.string().optional(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })).optional(),
  data: z.array(z.array(z.unknown())).optional(),
  error: z.object({ message: z.string() }).optional(),
})

/** A server that runs. */
export class Trino {
  readonly #url: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.#url = url
    this.#child = child
    this.#folder = folder
  }

  /** Starts a server and waits until it takes queries. */
  static async start(options: TrinoOptions): Promise<Trino> {
    const folder = mkdtempSync(join(tmpdir(), 'etl3-trino-'))
    const port = await freePort()
    writeSettings(folder, port, options)
    symlinkSync(join(options.home, 'plugin'), join(folder, 'plugin'))
    const child = spawn(options.java, javaArguments(folder, options.home), {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        said = (said + data.toString()).slice(-8_000)
      })
    }
    const trino = new Trino(`http://127.0.0.1:${port}`, child, folder)
    const giveUp = performance.now() + PATIENCE_MS
    while (!(await trino.#isReady())) {
      if (child.exitCode !== null || performance.now() > giveUp) {
        await trino.stop()
        throw new Error(`Trino does not start: ${said}`)
      }
      await delay(LOOK_INTERVAL_MS)
    }
    return trino
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const end = new Promise((resolve) => this.#child.once('exit', resolve))
      this.#child.kill('SIGKILL')
      await end
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Asks one statement of the tables of a schema. @throws Error with Trino's reason */
  async ask(sql: string, schema: string, catalog: TrinoCatalog = 'hive'): Promise<TrinoAnswer> {
    const headers = { 'X-Trino-User': 'etl3', 'X-Trino-Catalog': catalog, 'X-Trino-Schema': schema }
    let page = await readPage(await fetch(`${this.#url}/v1/statement`, { method: 'POST', headers, body: sql }))
    let columns = page.columns ?? []
    const rows: unknown[][] = []
    for (;;) {
      columns = page.columns ?? columns
      rows.push(...(page.data ?? []))
      if (page.error) throw new Error(`${page.error.message} [${sql}]`)
      if (page.nextUri === undefined) return { columns, rows }
      page = await readPage(await fetch(page.nextUri, { headers }))
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      const info = z.object({ starting: z.boolean() }).parse(await (await fetch(`${this.#url}/v1/info`)).json())
      if (info.starting) return false
      await this.ask('SELECT 1', 'information_schema')
      return true
    } catch {
      return false
    }
  }
}

async function readPage(response: Response): Promise<z.output<typeof pageSchema>> {
  if (!response.ok) throw new Error(`Trino answers ${response.status}: ${await response.text()}`)
  return pageSchema.parse(await response.json())
}

function writeSettings(folder: string, port: number, options: TrinoOptions): void {
  mkdirSync(join(folder, 'etc', 'catalog'), { recursive: true })
  const write = (name: string, settings: Readonly<Record<string, string | number | boolean>>): void =>
    writeFileSync(
      join(folder, 'etc', name),
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )
  write('node.properties', {
    'node.environment': 'conformance',
    'node.id': 'one',
    'node.data-dir': join(folder, 'data'),
  })
  write('config.properties', {
    coordinator: true,
    'node-scheduler.include-coordinator': true,
    'http-server.http.port': port,
    'discovery.uri': `http://127.0.0.1:${port}`,
    'query.max-memory': '700MB',
    'query.max-memory-per-node': '700MB',
    'memory.heap-headroom-per-node': '300MB',
    'catalog.management': 'static',
  })
  write('log.properties', { 'io.trino': 'WARN' })
  const glueAndS3 = {
    'hive.metastore.glue.region': 'us-east-1',
    'hive.metastore.glue.endpoint-url': options.glueEndpoint,
    'hive.metastore.glue.aws-access-key': options.accessKey,
    'hive.metastore.glue.aws-secret-key': options.secretKey,
    'fs.native-s3.enabled': true,
    's3.endpoint': options.s3Endpoint,
    's3.region': 'us-east-1',
    's3.path-style-access': true,
    's3.aws-access-key': options.accessKey,
    's3.aws-secret-key': options.secretKey,
  }
  write('catalog/hive.properties', {
    'connector.name': 'hive',
    'hive.metastore': 'glue',
    ...glueAndS3,
    'hive.partition-projection-enabled': true,
    'hive.recursive-directories': true,
    'hive.iceberg-catalog-name': 'iceberg',
  })
  write('catalog/iceberg.properties', { 'connector.name': 'iceberg', 'iceberg.catalog.type': 'glue', ...glueAndS3 })
}

function javaArguments(folder: string, home: string): string[] {
  return [
    '-Xmx1536M',
    '-XX:+UseSerialGC',
    // It asks little and ends soon: the second compiler would cost more time than it saves.
    '-XX:TieredStopAtLevel=1',
    '-Djdk.attach.allowAttachSelf=true',
    `-Dnode.environment=conformance`,
    `-Dconfig=${join(folder, 'etc', 'config.properties')}`,
    `-Dlog.levels-file=${join(folder, 'etc', 'log.properties')}`,
    '-Dnode.id=one',
    `-Dnode.data-dir=${join(folder, 'data')}`,
    '-cp',
    join(home, 'lib', '*'),
    'io.trino.server.TrinoServer',
  ]
}
