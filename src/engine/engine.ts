/** DuckDB as ETL3 uses it: in memory, within its share of the budget, one thread, spilling to a scratch folder. */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBResult,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { firstLineOf, messageOf, ResourceError } from '../runtime/errors.js'
import { fileSystemError } from '../runtime/file-system-error.js'
import { fullDisk } from '../runtime/full-disk.js'
import { makeScratchFolder, removeScratchFolder } from '../runtime/scratch-folder.js'
import { SYSTEM_MEMORY_HINT } from '../runtime/system-memory.js'
import { requireWellFormed } from '../runtime/well-formed.js'
import { bytesReader, columnValues } from './column-values.js'
import { shortageOf } from './engine-shortage.js'
import { beginWhole, endEarly, endWhole } from './whole-result.js'

/** How much an engine may use. */
export interface EngineOptions {
  /** DuckDB's own limit in MB. Measured: resident memory is up to a few hundred MB more while it sorts. */
  readonly memoryLimitMb: number
  readonly threads: number
  /** Folder for spill files; a folder of its own is made in it and removed by {@link Engine.close}. */
  readonly scratch: string
}

/** A value of a small result: what JSON can hold, and bigint. */
export type Cell = string | number | bigint | boolean | null

/**
 * What a session takes from its machine where nothing is said: the zone of TZ, and by the locale of LC_ALL or LANG the
 * calendar by which years count (2568 in Thailand's). Geometries of GeoParquet are bytes that nobody reads here.
 */
const SAME_ON_ANY_MACHINE = [
  "SET GLOBAL TimeZone = 'UTC'",
  "SET GLOBAL Calendar = 'gregorian'",
  "SET GLOBAL default_collation = ''",
  "SET GLOBAL default_null_order = 'NULLS_LAST'",
  "SET GLOBAL default_order = 'ASCENDING'",
  'SET GLOBAL enable_geoparquet_conversion = false',
] as const

/** Makes every session of a connection's instance the same on any machine. */
export async function forgetMachine(connection: Pick<DuckDBConnection, 'run'>): Promise<void> {
  await connection.run(SAME_ON_ANY_MACHINE.join('; '))
}

/** What all connections to one instance share. */
interface Shared {
  readonly instance: DuckDBInstance
  readonly spill: string
  /** Settles when no statement is run as it is written: the setting is the instance's, so it is one at a time. */
  asWritten: Promise<void>
}

/** One DuckDB instance, or a second connection to it. */
export class Engine {
  readonly #shared: Shared
  readonly #connection: DuckDBConnection

  private constructor(shared: Shared, connection: DuckDBConnection) {
    this.#shared = shared
    this.#connection = connection
  }

  /** Opens an engine. Close it, or its memory stays. */
  static async open(options: EngineOptions): Promise<Engine> {
    const spill = makeScratchFolder(options.scratch, 'spill')
    try {
      return await Engine.#openSpillingTo(spill, options)
    } catch (error) {
      removeScratchFolder(spill)
      throw error
    }
  }

  static async #openSpillingTo(spill: string, options: EngineOptions): Promise<Engine> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads),
      memory_limit: `${options.memoryLimitMb}MiB`,
      temp_directory: spill,
      preserve_insertion_order: 'true',
      // Every file is read about once: a cache of them would only take memory from the work.
      enable_external_file_cache: 'false',
      // What a statement frees goes back to the system at once; by default the allocator keeps up to 128 MiB of it.
      allocator_flush_threshold: '1MiB',
      allocator_bulk_deallocation_flush_threshold: '1MiB',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    const connection = await instance.connect()
    await forgetMachine(connection)
    return new Engine({ instance, spill, asWritten: Promise.resolve() }, connection)
  }

  /** Frees the engine's memory and removes its spill files. */
  close(): void {
    this.#connection.closeSync()
    this.#shared.instance.closeSync()
    removeScratchFolder(this.#shared.spill)
  }

  /**
   * Runs `act` with a second connection, within the same memory: its statements run at the same time as this one's, on a
   * thread of their own; once the signal is aborted, they are interrupted. Temporary tables are each connection's own. To
   * be waited for before this engine is closed.
   */
  async beside<T>(signal: AbortSignal, act: (engine: Engine) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const connection = await this.#shared.instance.connect()
    try {
      return await interruptedBy(signal, connection, () => act(new Engine(this.#shared, connection)))
    } finally {
      connection.closeSync()
    }
  }

  /** Stops the statement that runs, if one does. */
  interrupt(): void {
    this.#connection.interrupt()
  }

  /** Runs statements whose result does not matter. @throws ResourceError when memory or disk runs out */
  async run(sql: string): Promise<void> {
    await this.#guarded(() => this.#connection.run(sql))
  }

  /**
   * Runs a statement whose joins are done as they are written: the right side of each is held in memory, and the left one
   * streams through. Left to itself, the optimizer guesses how many rows a join will give; where it guesses a fiftieth of
   * them, it holds the rows of the large side.
   *
   * @throws ResourceError when memory or disk runs out
   */
  async runAsWritten(sql: string): Promise<void> {
    const running = this.#shared.asWritten.then(async () => {
      await this.run("SET disabled_optimizers = 'join_order,build_side_probe_side'")
      try {
        await this.run(sql)
      } finally {
        await this.run('RESET disabled_optimizers')
      }
    })
    this.#shared.asWritten = running.catch(() => {})
    await running
  }

  /** All rows of a small result. */
  async rows(sql: string): Promise<Record<string, Cell>[]> {
    return await this.#guarded(async () => await allRows(await this.#connection.run(sql)))
  }

  /** The first row of a small result. @throws Error when there is none */
  async row(sql: string): Promise<Record<string, Cell>> {
    const [first] = await this.rows(sql)
    if (!first) throw new Error(`no row from: ${sql.slice(0, 200)}`)
    return first
  }

  /** One whole number of a one-row result. */
  async count(sql: string): Promise<number> {
    return Number(Object.values(await this.row(sql))[0] ?? 0)
  }

  /**
   * Streams a result of fixed-width columns without NULLs as typed arrays, about 2,048 rows at a time.
   * A chunk's arrays are valid until the next one is asked for.
   */
  async *chunks(sql: string): AsyncGenerator<FixedWidthChunk> {
    for await (const chunk of this.#stream(sql)) yield new FixedWidthChunk(chunk.chunk, chunk.rowCount)
  }

  /** The one column of a result, as JavaScript values; for dimensions, never for facts. */
  async column(sql: string): Promise<unknown[]> {
    const values: unknown[] = []
    for await (const piece of this.columnPieces(sql)) for (const value of piece) values.push(value)
    return values
  }

  /** The one column of a result, as JavaScript values, about 2,048 of them at a time. */
  async *columnPieces(sql: string): AsyncGenerator<readonly unknown[]> {
    for await (const chunk of this.#stream(sql)) yield columnValues(chunk, 0)
  }

  /** The chunks of a result. DuckDB makes the next one, on a thread of its own, while the caller works on this one. */
  async *#stream(sql: string): AsyncGenerator<DuckDBDataChunk> {
    await beginWhole(this.#connection)
    const result = await this.#guarded(() => this.#connection.stream(sql)).catch(async (error: unknown) => {
      await endEarly(this.#connection)
      throw error
    })
    const fetch = (): Promise<DuckDBDataChunk | null> => {
      const chunk = this.#guarded(() => result.fetchChunk())
      // A caller that stops early does not ask what became of it.
      chunk.catch(() => {})
      return chunk
    }
    let coming = fetch()
    let ended = false
    try {
      for (let chunk = await coming; chunk && chunk.rowCount > 0; chunk = await coming) {
        coming = fetch()
        yield chunk
      }
      ended = true
      await this.#guarded(() => endWhole(this.#connection, sql))
    } finally {
      // The connection is free for the next statement only then.
      await coming.catch(() => {})
      if (!ended) await endEarly(this.#connection)
    }
  }

  /**
   * Appends rows to a table of this engine: numbers into integer columns, texts into VARCHAR, null into any.
   * @throws RangeError where a text has an unpaired surrogate
   */
  async append(
    table: string,
    rows: Iterable<readonly (string | number | null)[]> | AsyncIterable<readonly (string | number | null)[]>,
  ): Promise<void> {
    // A connection of its own: `rows` may come from a result that this engine is streaming.
    const connection = await this.#shared.instance.connect()
    const appender = await connection.createAppender(table)
    const wide = Array.from(
      { length: appender.columnCount },
      (_, i) => appender.columnType(i).typeId === DuckDBTypeId.BIGINT,
    )
    try {
      for await (const row of rows) {
        for (const [i, value] of row.entries()) {
          if (value === null) appender.appendNull()
          else if (typeof value === 'string') appender.appendVarchar(requireWellFormed(value))
          else if (wide[i]) appender.appendBigInt(BigInt(value))
          else appender.appendInteger(value)
        }
        appender.endRow()
      }
    } finally {
      appender.closeSync()
      connection.closeSync()
    }
  }

  async #guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (cause) {
      throw this.#named(cause)
    }
  }

  /** A shortage as an error for people; another failure as it is. */
  #named(cause: unknown): unknown {
    const message = messageOf(cause)
    switch (shortageOf(message)) {
      case 'share':
        return new ResourceError('ETL3-ME-02', `the engine ran out of its share of the memory: ${firstLineOf(cause)}`, {
          hint: 'Raise --memory-limit.',
          cause,
        })
      case 'system':
        return new ResourceError('ETL3-ME-06', `the system gave the engine no memory: ${firstLineOf(cause)}`, {
          hint: SYSTEM_MEMORY_HINT,
          cause,
        })
      case 'disk':
        return (this.#isAboutAnotherFile(message) && fileSystemError(cause)) || this.#noRoomToSpill(cause)
      case undefined:
        return cause
    }
  }

  /** What the engine writes for its caller lies elsewhere, maybe on another disk. */
  #isAboutAnotherFile(message: string): boolean {
    return message.startsWith('IO Error: ') && !message.includes(this.#shared.spill)
  }

  #noRoomToSpill(cause: unknown): ResourceError {
    const { lack, remedy } = fullDisk('ENOSPC', this.#shared.spill)
    return new ResourceError('ETL3-DK-02', `${lack} for spill files in ${this.#shared.spill}: ${firstLineOf(cause)}`, {
      hint: `${remedy}, or set processing.scratch to a folder on a larger disk.`,
      cause,
    })
  }
}

/** A piece of a result, column-wise. Every view is over memory of the engine: copy what must last. */
export class FixedWidthChunk {
  readonly #chunk: duckdb.DataChunk

  constructor(
    chunk: duckdb.DataChunk,
    readonly rows: number,
  ) {
    this.#chunk = chunk
  }

  /** An INTEGER column. */
  int32(column: number): Int32Array {
    const data = this.#data(column, 4)
    return new Int32Array(data.buffer, data.byteOffset, this.rows)
  }

  /** A DOUBLE column. */
  float64(column: number): Float64Array {
    const data = this.#data(column, 8)
    return new Float64Array(data.buffer, data.byteOffset, this.rows)
  }

  /** A UBIGINT column as two 32-bit halves a row, low first. */
  halves(column: number): Int32Array {
    const data = this.#data(column, 8)
    return new Int32Array(data.buffer, data.byteOffset, 2 * this.rows)
  }

  /** A UTINYINT or BOOLEAN column. */
  uint8(column: number): Uint8Array {
    return this.#data(column, 1)
  }

  /** A BLOB column: the bytes of each row. */
  blob(column: number): Uint8Array[] {
    const vector = duckdb.data_chunk_get_vector(this.#chunk, column)
    this.#refuseNulls(vector, column)
    const bytes = bytesReader(vector, this.rows)
    return Array.from({ length: this.rows }, (_, row) => bytes(row))
  }

  #data(column: number, width: number): Uint8Array {
    const vector = duckdb.data_chunk_get_vector(this.#chunk, column)
    this.#refuseNulls(vector, column)
    return duckdb.vector_get_data(vector, this.rows * width)
  }

  #refuseNulls(vector: duckdb.Vector, column: number): void {
    // The binding answers null where the vector has no mask: nothing in it is NULL.
    const mask: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(this.rows / 64) * 8)
    if (mask === null) return
    for (let row = 0; row < this.rows; row++) {
      if (((mask[row >> 3] ?? 0) & (1 << (row & 7))) === 0)
        throw new Error(`column ${column} holds a NULL at row ${row}`)
    }
  }
}

/** All rows of a result, by the names of its columns. */
export async function allRows(result: DuckDBResult): Promise<Record<string, Cell>[]> {
  const names = result.deduplicatedColumnNames()
  const rows: Record<string, Cell>[] = []
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const first = rows.length
    for (let row = 0; row < chunk.rowCount; row++) rows.push({})
    // Column by column: which kind of value it holds is looked up once for each, not once for each value.
    for (const [i, name] of names.entries()) {
      for (const [row, value] of columnValues(chunk, i).entries()) rows[first + row]![name] = toCell(value)
    }
  }
  return rows
}

function toCell(value: DuckDBValue): Cell {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value
    default:
      return String(value)
  }
}

/** Runs `act` with an engine of its own; once the signal is aborted, its statements are interrupted. */
export async function withEngine<T>(
  options: EngineOptions,
  signal: AbortSignal,
  act: (engine: Engine) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const engine = await Engine.open(options)
  try {
    return await interruptedBy(signal, engine, () => act(engine))
  } finally {
    engine.close()
  }
}

/** Once the signal is aborted, the statements of `act` are interrupted, and its reason is what is thrown. */
async function interruptedBy<T>(
  signal: AbortSignal,
  connection: Pick<DuckDBConnection, 'interrupt'>,
  act: () => Promise<T>,
): Promise<T> {
  const stopInterrupting = interruptOn(signal, connection)
  try {
    return await act()
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    stopInterrupting()
  }
}

/** An interrupt that finds no statement running is lost; it is repeated this often. */
const INTERRUPT_INTERVAL_MS = 50

/** Interrupts a connection from when the signal is aborted until the returned function is called. */
export function interruptOn(signal: AbortSignal, connection: Pick<DuckDBConnection, 'interrupt'>): () => void {
  let timer: NodeJS.Timeout | undefined
  const begin = (): void => {
    connection.interrupt()
    timer ??= setInterval(() => connection.interrupt(), INTERRUPT_INTERVAL_MS)
  }
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin)
  return () => {
    signal.removeEventListener('abort', begin)
    clearInterval(timer)
  }
}
