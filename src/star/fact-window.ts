/** Reading staged facts: numbers as typed arrays, identities as bytes, never a JavaScript string per fact. */

import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import type { ValuePool } from '../parquet/factorised.js'
import { requireConsecutive } from './in-order.js'
import { UIDS_PER_BLOB } from './stage-facts.js'
import type { StagedPaths } from './staged-files.js'

/** Facts of one window: about 80 bytes each with their identities. */
export const WINDOW_FACTS = 262_144

/** Staged rows `from` (inclusive) to `to` (exclusive). */
export interface FactRange {
  readonly from: number
  readonly to: number
}

/** Facts of a range, in staged order (slice, code, fact_uid). Entry `i` of each array is fact `i` of the window. */
export interface FactWindow {
  readonly facts: number
  readonly slice: Int32Array
  readonly code: Int32Array
  readonly group: Int32Array
  readonly attr: Int32Array
  readonly rate: Float64Array
  /** Identity of each fact. */
  readonly uid: Extract<ValuePool, { kind: 'bytes' }>
}

/** Which facts of a range count. */
export interface FactFilter {
  /** Bitmap by staged row. */
  readonly quarantined: Uint8Array
  /** Flag by group: 0 leaves its facts out. */
  readonly keep?: Uint8Array
  /** No more facts than these count; all of the range if it is not said. */
  readonly most?: number
}

/** The rows that the screen set aside, as a bitmap: bit `row & 7` of byte `row >> 3`. */
export async function loadQuarantined(engine: Engine, paths: StagedPaths): Promise<Uint8Array> {
  const rows = await engine.count(`SELECT count(*) FROM ${readParquet([paths.facts])}`)
  const bitmap = new Uint8Array((rows >> 3) + 1)
  for await (const chunk of engine.chunks(`SELECT fact_row FROM ${readParquet([paths.quarantined])}`)) {
    const row = chunk.int32(0)
    for (let i = 0; i < chunk.rows; i++) bitmap[row[i]! >> 3]! |= 1 << (row[i]! & 7)
  }
  return bitmap
}

/** Whether a staged row was set aside. */
export function isQuarantined(bitmap: Uint8Array, row: number): boolean {
  return (bitmap[row >> 3]! & (1 << (row & 7))) !== 0
}

/** Staged rows that are read at once. */
const ROWS_AT_ONCE = WINDOW_FACTS

/**
 * Reads facts of a range, from its beginning until it ends or `most` facts are found. Memory: about 60 bytes and the
 * identity of each fact that counts, and 4 bytes for each of {@link ROWS_AT_ONCE} rows, however long the range is.
 * @returns the facts, and the row after the last one that was looked at
 * @throws IntegrityError ETL3-WR-01 when they do not come in their order
 */
export async function readFacts(
  engine: Engine,
  paths: StagedPaths,
  range: FactRange,
  filter: FactFilter,
  rowsAtOnce = ROWS_AT_ONCE,
): Promise<{ readonly window: FactWindow; readonly to: number }> {
  const size = range.to - range.from
  const reader = new WindowReader(engine, paths, filter, Math.min(size, filter.most ?? size))
  let from = range.from
  while (from < range.to && !reader.full) {
    from = await reader.append({ from, to: Math.min(range.to, from + rowsAtOnce) })
  }
  return { window: reader.window, to: from }
}

/** Collects the facts of one range after the other. */
class WindowReader {
  readonly #engine: Engine
  readonly #paths: StagedPaths
  readonly #filter: FactFilter
  readonly #most: number
  readonly #slice: Int32Array
  readonly #code: Int32Array
  readonly #group: Int32Array
  readonly #attr: Int32Array
  readonly #rate: Float64Array
  readonly #uidOffsets: Int32Array
  #uidData = new Uint8Array(0)
  #facts = 0

  constructor(engine: Engine, paths: StagedPaths, filter: FactFilter, most: number) {
    this.#engine = engine
    this.#paths = paths
    this.#filter = filter
    this.#most = most
    this.#slice = new Int32Array(most)
    this.#code = new Int32Array(most)
    this.#group = new Int32Array(most)
    this.#attr = new Int32Array(most)
    this.#rate = new Float64Array(most)
    this.#uidOffsets = new Int32Array(most + 1)
  }

  get full(): boolean {
    return this.#facts === this.#most
  }

  get window(): FactWindow {
    const facts = this.#facts
    return {
      facts,
      slice: this.#slice,
      code: this.#code,
      group: this.#group,
      attr: this.#attr,
      rate: this.#rate,
      uid: {
        kind: 'bytes',
        data: this.#uidData,
        offsets: this.#uidOffsets.subarray(0, facts + 1),
        count: facts,
        sorted: false,
      },
    }
  }

  /** Adds the facts of a range that count. @returns the row after the last one that was looked at: it may be full before */
  async append(range: FactRange): Promise<number> {
    const { quarantined, keep } = this.#filter
    const [most, slice, code, group, attr, rate] = [
      this.#most,
      this.#slice,
      this.#code,
      this.#group,
      this.#attr,
      this.#rate,
    ]
    // The sign carries the filter: identities that do not count are skipped by their length.
    const lengths = new Int32Array(range.to - range.from)
    let row = range.from
    let facts = this.#facts
    let uidBytes = 0
    for await (const chunk of this.#engine.chunks(
      `SELECT slice_id, code_id, group_id, attr_id, coalesce(negotiated_rate, 'nan'), uid_bytes, fact_row FROM ${readParquet([this.#paths.facts])}
       WHERE fact_row >= ${range.from} AND fact_row < ${range.to}`,
    )) {
      requireConsecutive(chunk.int32(6), row, 'facts')
      const slices = chunk.int32(0)
      const codes = chunk.int32(1)
      const groups = chunk.int32(2)
      const attrs = chunk.int32(3)
      const rates = chunk.float64(4)
      const bytes = chunk.int32(5)
      for (let i = 0; i < chunk.rows && facts < most; i++, row++) {
        const counts = !isQuarantined(quarantined, row) && (keep === undefined || keep[groups[i]!] !== 0)
        lengths[row - range.from] = counts ? bytes[i]! : ~bytes[i]!
        if (!counts) continue
        slice[facts] = slices[i]!
        code[facts] = codes[i]!
        group[facts] = groups[i]!
        attr[facts] = attrs[i]!
        rate[facts] = rates[i]!
        facts += 1
        uidBytes += bytes[i]! + 4
      }
      if (facts === most) break
    }
    const before = this.#facts
    this.#facts = facts
    await this.#appendUids({ from: range.from, to: row }, { lengths, fact: before, uidBytes })
    return row
  }

  async #appendUids(
    range: FactRange,
    sizes: { readonly lengths: Int32Array; readonly fact: number; readonly uidBytes: number },
  ): Promise<void> {
    const offsets = this.#uidOffsets
    let { fact } = sizes
    let at = offsets[fact]!
    const data = new Uint8Array(at + sizes.uidBytes)
    data.set(this.#uidData)
    this.#uidData = data
    const view = new DataView(data.buffer)
    const firstBlob = range.from - (range.from % UIDS_PER_BLOB)
    // The first blob may begin before the range; how many bytes of it to pass over follows from the lengths before.
    let skip = await this.#uidBytesBetween(firstBlob, range.from)
    let row = range.from
    let blobs = firstBlob / UIDS_PER_BLOB
    for await (const chunk of this.#engine.chunks(
      `SELECT uids, first_row // ${UIDS_PER_BLOB} FROM ${readParquet([this.#paths.uids])} WHERE first_row >= ${firstBlob} AND first_row < ${range.to}`,
    )) {
      requireConsecutive(chunk.int32(1), blobs, 'identities')
      blobs += chunk.rows
      for (const blob of chunk.blob(0)) {
        let from = skip
        skip = 0
        const end = Math.min(range.to, row - (row % UIDS_PER_BLOB) + UIDS_PER_BLOB)
        for (; row < end; row++) {
          const signed = sizes.lengths[row - range.from]!
          const length = signed < 0 ? ~signed : signed
          if (signed >= 0) {
            view.setUint32(at, length, true)
            data.set(blob.subarray(from, from + length), at + 4)
            at += 4 + length
            offsets[++fact] = at
          }
          from += length
        }
      }
    }
  }

  async #uidBytesBetween(from: number, to: number): Promise<number> {
    if (from === to) return 0
    return await this.#engine.count(
      `SELECT coalesce(sum(uid_bytes), 0)::BIGINT FROM ${readParquet([this.#paths.facts])} WHERE fact_row >= ${from} AND fact_row < ${to}`,
    )
  }
}
