/** Which Medicare row belongs to a (code, year, state): a dense table, read once per worker. */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import type { StagedPaths } from './staged-files.js'

/** Look-up of benchmark entries. A state is an index; −1 means NULL, and the fact's market decides. */
export class BenchmarkLookup {
  /** Index of the state that has no benchmark at all. */
  readonly noState: number
  readonly #states: ReadonlyMap<string, number>
  /** Per attr entry: where its year's table begins, −1 where the year is NULL or has none. */
  readonly #yearOf: Int32Array
  /** Per attr entry: its market's state. */
  readonly #marketOf: Int32Array
  /** `[year][code][state]` → benchmark entry, −1 for none. Codes without any benchmark share row 0. */
  readonly #rows: Int32Array
  /** `[year][code]` → row of `#rows`. */
  readonly #rowOf: Int32Array
  readonly #width: number

  constructor(parts: {
    states: ReadonlyMap<string, number>
    yearOf: Int32Array
    marketOf: Int32Array
    rows: Int32Array
    rowOf: Int32Array
  }) {
    this.#states = parts.states
    this.noState = parts.states.size
    this.#width = parts.states.size + 1
    this.#yearOf = parts.yearOf
    this.#marketOf = parts.marketOf
    this.#rows = parts.rows
    this.#rowOf = parts.rowOf
  }

  /** Benchmark entry of a fact for a provider's state, −1 for none. */
  find(attr: number, code: number, state: number): number {
    const year = this.#yearOf[attr]!
    if (year < 0) return -1
    const known = state < 0 ? this.#marketOf[attr]! : state
    return this.#rows[this.#rowOf[year + code]! * this.#width + known]!
  }

  /** Turns a text column of states into indexes: −1 for NULL. */
  async statesOf(engine: Engine, sql: string): Promise<Int32Array> {
    const texts = await engine.column(sql)
    return Int32Array.from(texts, (t) => (typeof t === 'string' ? (this.#states.get(t) ?? this.noState) : -1))
  }
}

/** Reads the staged keys into a look-up. */
export async function loadBenchmarkLookup(engine: Engine, paths: StagedPaths): Promise<BenchmarkLookup> {
  const names = await engine.column(`SELECT state FROM ${readParquet([paths.states])} ORDER BY state_id`)
  const states = new Map(names.map((name, i) => [String(name), i]))
  const width = states.size + 1
  const codes = await engine.count(`SELECT count(*) FROM ${readParquet([paths.codes])}`)
  const keys = readParquet([paths.benchmark_keys])
  const years = (await engine.column(`SELECT DISTINCT year FROM ${keys} ORDER BY year`)).map(Number)
  const withRows = await engine.count(`SELECT count(*) FROM (SELECT DISTINCT year, code_id FROM ${keys})`)

  const rowOf = new Int32Array(years.length * codes)
  const rows = new Int32Array((withRows + 1) * width).fill(-1)
  let used = 0
  for await (const chunk of engine.chunks(`SELECT year, code_id, state_id, bench_id FROM ${keys}`)) {
    const year = chunk.int32(0)
    const code = chunk.int32(1)
    const state = chunk.int32(2)
    const bench = chunk.int32(3)
    for (let i = 0; i < chunk.rows; i++) {
      const at = years.indexOf(year[i]!) * codes + code[i]!
      if (rowOf[at] === 0) rowOf[at] = ++used
      rows[rowOf[at]! * width + state[i]!] = bench[i]!
    }
  }
  return new BenchmarkLookup({
    states,
    yearOf: (await placesIn(engine, paths.attrs, 'year::INTEGER', years.map(String))).map((at) =>
      at < 0 ? -1 : at * codes,
    ),
    marketOf: (await placesIn(engine, paths.attrs, 'benchmark_state', [...states.keys()].map(sqlString))).map((at) =>
      at < 0 ? states.size : at,
    ),
    rows,
    rowOf,
  })
}

/** Of each row of a file: the place of a value in a list of SQL literals, −1 where it is NULL or not in it. */
async function placesIn(engine: Engine, path: string, value: string, list: readonly string[]): Promise<Int32Array> {
  const places = new Int32Array(await engine.count(`SELECT count(*) FROM ${readParquet([path])}`))
  if (list.length === 0) return places.fill(-1)
  let at = 0
  const place = `(coalesce(list_position([${list.join(', ')}], ${value}), 0) - 1)::INTEGER`
  for await (const chunk of engine.chunks(`SELECT ${place} FROM ${readParquet([path])}`)) {
    places.set(chunk.int32(0), at)
    at += chunk.rows
  }
  return places
}
