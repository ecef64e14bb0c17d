/** pyiceberg as a reader and writer of a table, in a Python of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Row } from '../parquet/partition.js'

/** Python with pyiceberg: the project's test script says where; its absence fails the test. */
const PYTHON = process.env['ETL3_PYTHON'] ?? 'python3'
const SCRIPT = new URL('read-iceberg.py', import.meta.url).pathname

/** A predicate: operator of `pyiceberg.expressions`, column, and value where it takes one. */
export type Filter = readonly [operator: string, column: string, value?: unknown]

/** Rows with `exact` numbers, and the names of the files that were read for them. */
export interface ReadRows {
  readonly rows: readonly Row[]
  readonly files: readonly string[]
}

/** What pyiceberg says of a table. */
export interface Description {
  readonly snapshots: readonly (readonly [id: number, timestampMs: number, summary: Record<string, string>])[]
  readonly current: number
  readonly partitions: readonly Row[]
  readonly identity: readonly string[]
  readonly order: readonly number[]
  readonly entries: readonly (readonly [status: number, sequenceNumber: number, file: string])[]
  readonly manifests: number
}

/** A change that pyiceberg makes. */
export type Change =
  | { readonly write: 'append' }
  | { readonly write: 'delete'; readonly where: Filter }
  | { readonly write: 'rename'; readonly column: string }
  | { readonly write: 'rollback'; readonly snapshot: number }

/** A table in Glue, and how to reach it. */
export interface InGlue {
  readonly glue: true
  readonly properties: Readonly<Record<string, string>>
}

let python: { readonly child: ChildProcessByStdio<Writable, Readable, null>; readonly lines: Interface } | undefined

/** A table: by its folder, its metadata file, or database and name in Glue. */
export class PyIceberg {
  constructor(
    readonly table: string,
    readonly place: InGlue | undefined = undefined,
  ) {}

  async rows(filter: Filter | null = null, snapshot?: string): Promise<ReadRows> {
    return await this.#ask({ rows: filter, snapshot: snapshot === undefined ? null : Number(snapshot) })
  }

  /** Writes all rows to a Parquet file. */
  async save(file: string): Promise<void> {
    await this.#ask({ save: file })
  }

  async describe(): Promise<Description> {
    return await this.#ask({})
  }

  /** Looks at every value of every file with pyiceberg's evaluators. */
  async evaluate(): Promise<{ readonly wrong: readonly string[]; readonly asked: number }> {
    return await this.#ask({ evaluate: true })
  }

  /** Commits to the table: in Glue, or in a catalog of pyiceberg's own. @returns the metadata file that it wrote */
  async write(change: Change): Promise<string> {
    return (await this.#ask<{ metadata: string }>(change)).metadata
  }

  async #ask<T>(ask: unknown): Promise<T> {
    python ??= start()
    const { child, lines } = python
    const line = new Promise<string>((resolve, reject) => {
      const ended = (): void => reject(new Error(`${PYTHON} ended`))
      lines.once('close', ended)
      lines.once('line', (text) => {
        lines.off('close', ended)
        resolve(text)
      })
    })
    child.stdin.write(`${JSON.stringify({ table: this.table, ...this.place, ask })}\n`)
    const { answer, error }: { answer?: T; error?: string } = JSON.parse(await line)
    if (answer === undefined) throw new Error(`pyiceberg: ${error}`)
    return answer
  }
}

/** One Python for all questions of a test file: it takes seconds to start, and ends with its standard input. */
function start(): NonNullable<typeof python> {
  const child = spawn(PYTHON, ['-W', 'ignore', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.unref()
  return { child, lines: createInterface(child.stdout) }
}
