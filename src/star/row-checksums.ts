/**
 * The checksum of rows as the encoder is handed them: the same that the engine computes from a join of the staged star
 * (due-checksums.ts), so that every value of every row is compared with that join, whether its file is read again or not.
 *
 * No row is built for it either. Each entry of an axis is hashed once from its values in the encoder's pools, the sides of a
 * fact are folded once for all of its rows, and a row adds its provider and what depends on the provider's state.
 */
import { EngineHash } from '../engine/engine-hash.js'
import type { AxisStream, FactorisedRows, NumberStream, ValuePool } from '../parquet/factorised.js'
import type { AxisTable } from './axis-table.js'
import type { Axis } from './dictionary.js'
import { AXES, NUMBERS } from './enrich.js'
import type { BoundWindow } from './fact-axes.js'
import type { Block, StagedStar } from './staged-star.js'

/** Sums of halves below 2³² are exact up to here and one more. */
const MOST_EXACT = 2 ** 52

/** Sides that follow from the benchmark. */
const COMPARED = 3

/** Hashes of the entries of one axis, ready to be folded into a row's: two halves for each, those of entry −1 first. */
type EntryHashes = Int32Array

/** A pure function of an axis, remembered for as long as the axis is in memory: units share axes. */
const remembered = new WeakMap<AxisTable, EntryHashes>()

/** Sums hashes of rows, partition by partition. */
export class RowChecksums {
  readonly #codes: EntryHashes
  readonly #benchmarks: EntryHashes
  #attrs: EntryHashes = new Int32Array(0)
  #groups: EntryHashes = new Int32Array(0)
  #npis: EntryHashes = new Int32Array(0)
  #identities: EntryHashes = new Int32Array(0)
  readonly #hash = new EngineHash()
  /** What has one hash where the benchmark has one: the benchmark, the ratio and whether the rate is above. */
  readonly #compared = new Int32Array(2 * COMPARED)
  #sum = 0n

  constructor(star: StagedStar) {
    this.#codes = entryHashes(star.codes)
    this.#benchmarks = entryHashes(star.benchmarks)
  }

  /** What is added next has its providers from this block. */
  startBlock(block: Block): void {
    this.#npis = entryHashes(block.npis)
  }

  /** What is added next has its facts from this window. */
  startWindow({ uid, facts, attrs, groups }: BoundWindow): void {
    this.#attrs = entryHashes(attrs.table)
    this.#groups = entryHashes(groups.table)
    const identities = new Int32Array(2 * facts)
    for (let fact = 0; fact < facts; fact++) {
      put(identities, fact, this.#hash.ofBytes(uid.data, uid.offsets[fact]! + 4, uid.offsets[fact + 1]!).again())
    }
    this.#identities = identities
  }

  /** Adds the rows of a row group. */
  add(group: FactorisedRows): void {
    const streams = streamsOf(group)
    const { npi, perFact } = streams
    const hash = this.#hash
    let low = 0
    let high = 0
    let row = 0
    for (let fact = 0; fact < group.facts; fact++) {
      this.#foldFact(streams, fact)
      const { low: factLow, high: factHigh } = hash
      if (perFact) this.#compare(streams, fact)
      for (const end = row + group.runLengths[fact]!; row < end; row++) {
        if (!perFact) this.#compare(streams, row)
        hash.from(factLow, factHigh)
        fold(hash, this.#npis, npi[row]! + 1)
        for (let i = 0; i < COMPARED; i++) fold(hash, this.#compared, i)
        low += hash.low >>> 0
        high += hash.high >>> 0
        if (low > MOST_EXACT || high > MOST_EXACT) {
          this.#addHalves(low, high)
          low = 0
          high = 0
        }
      }
    }
    this.#addHalves(low, high)
  }

  /** The sides of a row that are its fact's. */
  #foldFact({ attr, code, group, fact, rate }: Streams, at: number): void {
    const hash = this.#hash
    const { low, high } = hash.ofDouble(rate.values[at]!).again()
    start(hash, this.#attrs, attr[at]! + 1)
    fold(hash, this.#codes, code[at]! + 1)
    fold(hash, this.#groups, group[at]! + 1)
    fold(hash, this.#identities, fact[at]!)
    hash.combine(low, high)
  }

  /** The benchmark, the ratio and whether the rate is above, of one fact or row. */
  #compare({ benchmark, ratio, above }: Streams, at: number): void {
    const hash = this.#hash
    start(hash, this.#benchmarks, benchmark[at]! + 1)
    put(this.#compared, 0, hash)
    if (ratio.valid?.[at] === 0) hash.ofNull()
    else hash.ofDouble(ratio.values[at]!)
    put(this.#compared, 1, hash.again())
    if (above.valid?.[at] === 0) hash.ofNull()
    else hash.ofBoolean(above.values[at] === 1)
    put(this.#compared, 2, hash.again())
  }

  #addHalves(low: number, high: number): void {
    this.#sum += (BigInt(high) << 32n) + BigInt(low)
  }

  /** The sum of what was added since the last call, in decimal digits. */
  take(): string {
    const sum = this.#sum
    this.#sum = 0n
    return String(sum)
  }
}

/** The streams of a row group by name. */
interface Streams {
  readonly attr: Int32Array
  readonly code: Int32Array
  readonly group: Int32Array
  readonly fact: Int32Array
  readonly npi: Int32Array
  readonly benchmark: Int32Array
  readonly rate: NumberStream
  readonly ratio: NumberStream
  readonly above: NumberStream
  /** Whether benchmark, ratio and above have one value for each fact, not for each row. */
  readonly perFact: boolean
}

function streamsOf({ axes, numbers }: FactorisedRows): Streams {
  const axis = (name: Axis): AxisStream => of(axes[AXES.indexOf(name)], name)
  const number = (name: Axis): NumberStream => of(numbers[NUMBERS.indexOf(name)], name)
  return {
    attr: axis('attr').entries,
    code: axis('code').entries,
    group: axis('group').entries,
    fact: axis('fact').entries,
    npi: axis('npi').entries,
    benchmark: axis('benchmark').entries,
    rate: number('rate'),
    ratio: number('ratio'),
    above: number('above'),
    perFact: axis('benchmark').grain === 'fact',
  }
}

function of<T>(stream: T | undefined, name: Axis): T {
  if (stream === undefined) throw new TypeError(`a row group has no '${name}'`)
  return stream
}

function start(hash: EngineHash, hashes: Int32Array, index: number): void {
  hash.from(hashes[2 * index]!, hashes[2 * index + 1]!)
}

function fold(hash: EngineHash, hashes: Int32Array, index: number): void {
  hash.combine(hashes[2 * index]!, hashes[2 * index + 1]!)
}

function put(hashes: Int32Array, index: number, { low, high }: EngineHash): void {
  hashes[2 * index] = low
  hashes[2 * index + 1] = high
}

/** Each entry's hash over the columns of the axis, hashed once more as the argument that it is in a row's. */
function entryHashes(axis: AxisTable): EntryHashes {
  const known = remembered.get(axis)
  if (known) return known
  const hash = new EngineHash()
  const columns = axis.columns.map((column) => ({ ...column, hashes: valueHashes(column.pool) }))
  const hashes = new Int32Array(2 * (axis.entries + 1))
  for (let entry = -1; entry < axis.entries; entry++) {
    columns.forEach(({ pool, valueOf: indexes, hashes: ofValues }, i) => {
      const value = entry < 0 ? -1 : indexes[entry]!
      if (pool.kind === 'list') foldList(hash, pool, value, { ofElements: ofValues, first: i === 0 })
      else if (i === 0) start(hash, ofValues, value + 1)
      else fold(hash, ofValues, value + 1)
    })
    put(hashes, entry + 1, hash.again())
  }
  remembered.set(axis, hashes)
  return hashes
}

/** The hash of each value of a pool, or of each element of its lists; that of NULL first. */
function valueHashes(pool: ValuePool): Int32Array {
  const values = pool.kind === 'list' ? pool.elements : pool
  const hash = new EngineHash()
  const hashes = new Int32Array(2 * (values.count + 1))
  put(hashes, 0, hash.ofNull())
  for (let i = 0; i < values.count; i++) put(hashes, i + 1, valueHash(hash, values, i))
  return hashes
}

function valueHash(hash: EngineHash, pool: Exclude<ValuePool, { kind: 'list' }>, index: number): EngineHash {
  switch (pool.kind) {
    case 'bytes':
      return hash.ofBytes(pool.data, pool.offsets[index]! + 4, pool.offsets[index + 1]!)
    case 'double':
      return hash.ofDouble(pool.values[index]!)
    case 'boolean':
      return hash.ofBoolean(pool.values[index] === 1)
    case 'int32':
      throw new Error('no axis has a column of whole numbers')
  }
}

/** The engine takes a list's items one by one into what came before; a list without items, and NULL, leave it as it is. */
function foldList(
  hash: EngineHash,
  { items, itemOffsets }: Extract<ValuePool, { kind: 'list' }>,
  list: number,
  { ofElements, first }: { readonly ofElements: Int32Array; readonly first: boolean },
): void {
  const from = list < 0 ? 0 : itemOffsets[list]!
  const to = list < 0 ? 0 : itemOffsets[list + 1]!
  if (first && from === to) hash.ofNull()
  for (let at = from; at < to; at++) {
    if (first && at === from) start(hash, ofElements, items[at]! + 1)
    else fold(hash, ofElements, items[at]! + 1)
  }
}
