/** Reading staged facts: numbers as typed arrays, identities as bytes, never a JavaScript string per fact. */
import type { ValuePool } from '../parquet/factorised.js'
import { type Engine, readParquet } from '../runtime/engine.js'
import { requireConsecutive } from './in-order.js'
import { UIDS_PER_BLOB } from './stage-facts.js'
import type { StagedPaths } from './staged-files.js'

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

/**
 * Reads the facts of a range. Memory: about 60 bytes a fact and the range's identities.
 * @throws IntegrityError ETL3-WR-01 when they do not come in their order
 */
export async function readFacts(
  engine: Engine,
  paths: StagedPaths,
  range: FactRange,
  filter: FactFilter,
): Promise<FactWindow> {
  const size = range.to - range.from
  const most = Math.min(size, filter.most ?? size)
  const slice = new Int32Array(most)
  const code = new Int32Array(most)
  const group = new Int32Array(most)
  const attr = new Int32Array(most)
  const rate = new Float64Array(most)
  // Length of every identity of the range, −1 where the fact does not count.
  const lengths = new Int32Array(size)
  let row = range.from
  let facts = 0
  let uidBytes = 0
  for await (const chunk of engine.chunks(
    `SELECT slice_id, code_id, group_id, attr_id, coalesce(negotiated_rate, 'nan'), uid_bytes, fact_row FROM ${readParquet([paths.facts])}
     WHERE fact_row >= ${range.from} AND fact_row < ${range.to}`,
  )) {
    requireConsecutive(chunk.int32(6), row, 'facts')
    const groups = chunk.int32(2)
    const columns = [chunk.int32(0), chunk.int32(1), groups, chunk.int32(3)] as const
    const rates = chunk.float64(4)
    const bytes = chunk.int32(5)
    for (let i = 0; i < chunk.rows; i++, row++) {
      const counts =
        !isQuarantined(filter.quarantined, row) && (filter.keep === undefined || filter.keep[groups[i]!] !== 0)
      // The sign carries the filter: identities that do not count are skipped by their length.
      lengths[row - range.from] = counts ? bytes[i]! : ~bytes[i]!
      if (!counts) continue
      slice[facts] = columns[0][i]!
      code[facts] = columns[1][i]!
      group[facts] = groups[i]!
      attr[facts] = columns[3][i]!
      rate[facts] = rates[i]!
      uidBytes += bytes[i]! + 4
      facts += 1
    }
  }
  return {
    facts,
    slice,
    code,
    group,
    attr,
    rate,
    uid: await readUids(engine, paths, range, { lengths, facts, uidBytes }),
  }
}

async function readUids(
  engine: Engine,
  paths: StagedPaths,
  range: FactRange,
  sizes: { lengths: Int32Array; facts: number; uidBytes: number },
): Promise<FactWindow['uid']> {
  const data = new Uint8Array(sizes.uidBytes)
  const view = new DataView(data.buffer)
  const offsets = new Int32Array(sizes.facts + 1)
  let at = 0
  let fact = 0
  const firstBlob = range.from - (range.from % UIDS_PER_BLOB)
  // The first blob may begin before the range; how many bytes of it to pass over follows from the lengths before.
  let skip = await uidBytesBetween(engine, paths, firstBlob, range.from)
  let row = range.from
  let blobs = firstBlob / UIDS_PER_BLOB
  for await (const chunk of engine.chunks(
    `SELECT uids, first_row // ${UIDS_PER_BLOB} FROM ${readParquet([paths.uids])} WHERE first_row >= ${firstBlob} AND first_row < ${range.to}`,
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
          offsets[fact++] = at
          at += 4 + length
        }
        from += length
      }
    }
  }
  offsets[fact] = at
  return { kind: 'bytes', data, offsets, count: sizes.facts, sorted: false }
}

async function uidBytesBetween(engine: Engine, paths: StagedPaths, from: number, to: number): Promise<number> {
  if (from === to) return 0
  return await engine.count(
    `SELECT coalesce(sum(uid_bytes), 0)::BIGINT FROM ${readParquet([paths.facts])} WHERE fact_row >= ${from} AND fact_row < ${to}`,
  )
}
