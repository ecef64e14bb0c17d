/**
 * The axes of the fact side that can have as many entries as there are facts: attributes and groups. Their hashes are always
 * held. Their columns are held whole only up to the size of a window of facts; those of a larger axis are loaded for each
 * window, as far as its facts use them, so that memory does not grow with the number of distinct values.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { type AxisHashes, type AxisTable, loadColumns, loadHashes, type StagedAxis } from './axis-table.js'
import { type FactWindow, WINDOW_FACTS } from './fact-window.js'
import { requireConsecutive } from './in-order.js'

/** An axis of which only the hashes are sure to be in memory. */
export interface FactAxis extends AxisHashes {
  readonly staged: StagedAxis
  /** All entries, unless there are more than may be held. */
  readonly whole: AxisTable | undefined
}

/** The entries of an axis that the facts of a window have. */
export interface WindowAxis {
  readonly table: AxisTable
  /** Per fact: its entry in the table. */
  readonly entryOf: Int32Array
}

/** Facts with the values of their attributes and groups. */
export interface BoundWindow extends FactWindow {
  readonly attrs: WindowAxis
  readonly groups: WindowAxis
}

/**
 * Loads the hashes of an axis, and its columns if they may be held whole.
 *
 * @param most entries that may be held
 * @throws IntegrityError ETL3-WR-01 when the entries do not come in their order
 */
export async function loadFactAxis(engine: Engine, staged: StagedAxis, most = WINDOW_FACTS): Promise<FactAxis> {
  const hashes = await loadHashes(engine, staged)
  if (hashes.entries > most) return { ...hashes, staged, whole: undefined }
  const columns = await loadColumns(engine, staged.axis, readParquet([staged.path]), hashes.entries)
  return { ...hashes, staged, whole: { entries: hashes.entries, columns } }
}

/** Gives the facts of a window their attributes and groups. @throws IntegrityError ETL3-WR-01 where one is not there */
export async function bindWindow(
  engine: Engine,
  star: { readonly attrs: FactAxis; readonly groups: FactAxis },
  window: FactWindow,
): Promise<BoundWindow> {
  const { facts, attr, group } = window
  return {
    ...window,
    attrs: await windowAxis(engine, star.attrs, attr.subarray(0, facts)),
    groups: await windowAxis(engine, star.groups, group.subarray(0, facts)),
  }
}

async function windowAxis(engine: Engine, { whole, entries, staged }: FactAxis, ids: Int32Array): Promise<WindowAxis> {
  if (whole) return { table: whole, entryOf: ids }
  const used = usedEntries(ids, entries)
  await engine.run('CREATE OR REPLACE TABLE used_entries (entry INTEGER, id INTEGER)')
  await engine.append('used_entries', pairsOf(used.ids))
  const id = sqlIdentifier(staged.id)
  const source = `(SELECT a.*, u.entry FROM ${readParquet([staged.path])} a JOIN used_entries u ON u.id = a.${id}) ORDER BY entry`
  let found = 0
  for await (const chunk of engine.chunks(`SELECT entry FROM ${source}`)) {
    requireConsecutive(chunk.int32(0), found, `entries of the ${staged.axis} axis`)
    found += chunk.rows
  }
  const columns = await loadColumns(engine, staged.axis, source, used.ids.length)
  await engine.run('DROP TABLE used_entries')
  return { table: { entries: used.ids.length, columns }, entryOf: ids.map((one) => used.entryOf[one]!) }
}

/** The distinct ids, ascending, and the place of each among them. */
function usedEntries(ids: Int32Array, entries: number): { readonly ids: Int32Array; readonly entryOf: Int32Array } {
  const entryOf = new Int32Array(entries).fill(-1)
  for (const id of ids) entryOf[id] = 0
  let count = 0
  for (let id = 0; id < entries; id++) if (entryOf[id] === 0) entryOf[id] = count++
  const distinct = new Int32Array(count)
  for (let id = 0; id < entries; id++) if (entryOf[id]! >= 0) distinct[entryOf[id]!] = id
  return { ids: distinct, entryOf }
}

function* pairsOf(ids: Int32Array): Generator<readonly [number, number]> {
  for (const [entry, id] of ids.entries()) yield [entry, id]
}
