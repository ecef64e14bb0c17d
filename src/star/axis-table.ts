/**
 * The columns of one axis in memory, as the encoder wants them: each distinct value once, in Parquet's PLAIN encoding,
 * and for each entry which value it has.
 */

import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import type { ValuePool } from '../parquet/factorised.js'
import { type Axis, columnsOf, type DictionaryColumn } from './dictionary.js'
import { requireConsecutive } from './in-order.js'

/** One column of an axis. */
export interface AxisColumn {
  readonly name: string
  readonly pool: ValuePool
  /** Pool index of each entry, −1 for NULL. */
  readonly valueOf: Int32Array
}

/** The columns of an axis, or of some entries of it. Entries are dense, from 0. */
export interface AxisTable {
  readonly entries: number
  readonly columns: readonly AxisColumn[]
}

/** Content hashes of the entries of an axis. */
export interface AxisHashes {
  readonly entries: number
  /** Of each entry: two 32-bit halves. */
  readonly hash: Int32Array
}

/** An axis that is held whole. */
export interface HashedAxis extends AxisTable, AxisHashes {}

type BytesPool = Extract<ValuePool, { kind: 'bytes' }>

/** Entries of an axis in its staged file. */
export interface StagedAxis {
  readonly axis: Axis
  /** Local path of the file. */
  readonly path: string
  /** Its column of ids. */
  readonly id: string
  /** SQL condition that picks a contiguous range of ids (a block); the first of them becomes entry 0. All if unset. */
  readonly where?: string
}

/**
 * Loads an axis from its staged file.
 *
 * @throws IntegrityError ETL3-WR-01 when the entries do not come in their order
 */
export async function loadAxis(engine: Engine, staged: StagedAxis): Promise<HashedAxis> {
  const hashes = await loadHashes(engine, staged)
  return { ...hashes, columns: await loadColumns(engine, staged.axis, sourceOf(staged), hashes.entries) }
}

/**
 * Loads the hashes of an axis, and nothing else: 8 bytes for each entry.
 *
 * @throws IntegrityError ETL3-WR-01 when the entries do not come in their order
 */
export async function loadHashes(engine: Engine, staged: StagedAxis): Promise<AxisHashes> {
  const source = sourceOf(staged)
  const entries = await engine.count(`SELECT count(*) FROM ${source}`)
  const hash = new Int32Array(2 * entries)
  let at = 0
  let first = 0
  for await (const chunk of engine.chunks(`SELECT hash, ${sqlIdentifier(staged.id)} FROM ${source}`)) {
    const ids = chunk.int32(1)
    if (at === 0) first = ids[0] ?? 0
    requireConsecutive(ids, first + at, `entries of the ${staged.axis} axis`)
    hash.set(chunk.halves(0), 2 * at)
    at += chunk.rows
  }
  return { entries, hash }
}

function sourceOf({ path, where }: StagedAxis): string {
  return `${readParquet([path])} WHERE ${where ?? 'true'}`
}

/**
 * Loads the columns of an axis, one after the other.
 *
 * @param source what stands after FROM: it gives the entries in their order
 * @param entries how many it gives
 */
export async function loadColumns(
  engine: Engine,
  axis: Axis,
  source: string,
  entries: number,
): Promise<readonly AxisColumn[]> {
  const loaded: AxisColumn[] = []
  for (const column of columnsOf(axis)) {
    const select = (what: string): string => `SELECT ${what} FROM ${source}`
    loaded.push({
      name: column.name,
      ...(column.type === 'double'
        ? await poolDoubles(engine, select, sqlIdentifier(column.name), entries)
        : pooled(column, await engine.column(select(textOf(column))))),
    })
  }
  return loaded
}

function textOf(column: DictionaryColumn): string {
  const name = sqlIdentifier(column.name)
  // Lists cross as JSON: one value per entry.
  return column.type === 'list' ? `to_json(${name})::VARCHAR` : name
}

function pooled(column: DictionaryColumn, values: readonly unknown[]): { pool: ValuePool; valueOf: Int32Array } {
  switch (column.type) {
    case 'string':
      return poolTexts(values)
    case 'boolean': {
      const indexes = Int32Array.from(values, (v) => (v === null ? -1 : v === true ? 1 : 0))
      return { pool: { kind: 'boolean', values: Uint8Array.of(0, 1), count: 2 }, valueOf: indexes }
    }
    case 'list':
      return poolLists(values)
    default:
      throw new Error(`no axis column has type ${column.type}`)
  }
}

function poolTexts(values: readonly unknown[]): { pool: BytesPool; valueOf: Int32Array } {
  const distinct = [...new Set(values.filter((v): v is string => typeof v === 'string'))]
  const encoded = sortByBytes(distinct)
  const index = new Map(encoded.map((text, i) => [text, i]))
  return {
    pool: bytesPool(encoded.map((text) => Buffer.from(text, 'utf8'))),
    valueOf: Int32Array.from(values, (v) => (typeof v === 'string' ? (index.get(v) ?? -1) : -1)),
  }
}

/** Sorts by unsigned UTF-8 bytes, which is code point order; UTF-16 order differs only where surrogates occur. */
function sortByBytes(texts: string[]): string[] {
  const surrogates = texts.some((t) => /[\ud800-\udfff]/.test(t))
  return surrogates ? texts.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))) : texts.sort()
}

/** A pool of texts that are given sorted and distinct. */
export function bytesPool(values: readonly Uint8Array[]): BytesPool {
  const total = values.reduce((sum, v) => sum + 4 + v.length, 0)
  const data = new Uint8Array(total)
  const view = new DataView(data.buffer)
  const offsets = new Int32Array(values.length + 1)
  let at = 0
  values.forEach((value, i) => {
    offsets[i] = at
    view.setUint32(at, value.length, true)
    data.set(value, at + 4)
    at += 4 + value.length
  })
  offsets[values.length] = at
  return { kind: 'bytes', data, offsets, count: values.length, sorted: true }
}

async function poolDoubles(
  engine: Engine,
  select: (what: string) => string,
  name: string,
  entries: number,
): Promise<{ pool: ValuePool; valueOf: Int32Array }> {
  const distinct = new DoubleSet(entries)
  const indexes = new Int32Array(entries)
  let at = 0
  for await (const chunk of engine.chunks(select(`coalesce(${name}, 0), ${name} IS NOT NULL`))) {
    const values = chunk.float64(0)
    const valid = chunk.uint8(1)
    for (let i = 0; i < chunk.rows; i++) indexes[at++] = valid[i] === 1 ? distinct.indexOf(values[i]!) : -1
  }
  return { pool: distinct.pool(), valueOf: indexes }
}

/** Distinct doubles by their bits (so 0 and -0 differ), in an open-addressing table: millions cost no objects. */
class DoubleSet {
  readonly #values: Float64Array
  readonly #bits: Int32Array
  readonly #slots: Int32Array
  readonly #probe = new Float64Array(1)
  readonly #probeBits = new Int32Array(this.#probe.buffer)
  #count = 0

  constructor(most: number) {
    this.#values = new Float64Array(most)
    this.#bits = new Int32Array(this.#values.buffer)
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * most + 2))).fill(-1)
  }

  indexOf(value: number): number {
    this.#probe[0] = value
    const low = this.#probeBits[0]!
    const high = this.#probeBits[1]!
    const mask = this.#slots.length - 1
    let slot = (Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) >>> 7) & mask
    for (;;) {
      const index = this.#slots[slot]!
      if (index < 0) break
      if (this.#bits[2 * index] === low && this.#bits[2 * index + 1] === high) return index
      slot = (slot + 1) & mask
    }
    this.#values[this.#count] = value
    this.#slots[slot] = this.#count
    return this.#count++
  }

  pool(): ValuePool {
    return { kind: 'double', values: this.#values.slice(0, this.#count), count: this.#count }
  }
}

function poolLists(values: readonly unknown[]): { pool: ValuePool; valueOf: Int32Array } {
  const index = new Map<string, number>()
  const lists: (readonly (string | null)[])[] = []
  const indexes = Int32Array.from(values, (v) => {
    if (typeof v !== 'string') return -1
    const known = index.get(v)
    if (known !== undefined) return known
    index.set(v, lists.length)
    return lists.push(parseTexts(v)) - 1
  })
  const elements = poolTexts(lists.flat())
  const itemOffsets = new Int32Array(lists.length + 1)
  lists.forEach((list, i) => {
    itemOffsets[i + 1] = (itemOffsets[i] ?? 0) + list.length
  })
  return {
    pool: { kind: 'list', itemOffsets, items: elements.valueOf, elements: elements.pool, count: lists.length },
    valueOf: indexes,
  }
}

function parseTexts(json: string): (string | null)[] {
  const parsed: unknown = JSON.parse(json)
  if (!Array.isArray(parsed)) throw new Error(`not a list: ${json.slice(0, 100)}`)
  return parsed.map((item) => (item === null ? null : String(item)))
}
