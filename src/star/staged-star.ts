/**
 * The staged star as a worker holds it: the axes, the member links of one block, the Medicare look-up. All of it is
 * read from staged files and can be thrown away at any moment.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { type HashedAxis, loadAxis } from './axis-table.js'
import { type BenchmarkLookup, loadBenchmarkLookup } from './benchmark-lookup.js'
import { type FactAxis, loadFactAxis } from './fact-axes.js'
import { outOfOrder } from './in-order.js'
import type { StagedPaths } from './staged-files.js'

/** What every unit needs: the fact side and the benchmarks. */
export interface StagedStar {
  readonly paths: StagedPaths
  readonly attrs: FactAxis
  readonly codes: HashedAxis
  readonly groups: FactAxis
  readonly benchmarks: HashedAxis
  readonly lookup: BenchmarkLookup
  /** Per attr entry: 1 where the rate is compared with Medicare: it is known to be dollars. */
  readonly isDollar: Uint8Array
  /**
   * Per attr entry: 1 where tables of earlier states of ETL3 hold a ratio to Medicare and there is none now. They took
   * every type but `percentage` for comparable; without this the fingerprint of such a partition would be theirs.
   */
  readonly lostRatio: Uint8Array
  /** Medicare state rate of each benchmark entry, NaN where NULL. */
  readonly stateRate: Float64Array
}

/** Providers and member links of one block. */
export interface Block {
  readonly block: number
  readonly npis: HashedAxis
  /** Cell of each provider is implied by the links; state of its Medicare rate (index of the look-up), −1 where NULL. */
  readonly stateOf: Int32Array
  readonly firstCell: number
  readonly cells: number
  /** Per cell of the block: 1 where its members have Medicare rates of several states (an address abroad beside one at home). */
  readonly severalStates: Uint8Array
  /** Links of group g: `linkStart[g]` … `linkStart[g + 1] - 1`, one link per cell in which the group has members. */
  readonly linkStart: Int32Array
  /** Cell of each link, counted from `firstCell`. */
  readonly linkCell: Int32Array
  /** Members of link l: `memberStart[l]` … `memberStart[l + 1] - 1`. */
  readonly memberStart: Int32Array
  /** Provider of each member (entry of `npis`), ascending within a link; −1 for the pseudo-member of an empty group. */
  readonly members: Int32Array
}

/** Loads the fact side. @param most entries of an axis that are held whole, if not as many as usual */
export async function loadStagedStar(engine: Engine, paths: StagedPaths, most?: number): Promise<StagedStar> {
  const attrs = await loadFactAxis(engine, { axis: 'attr', path: paths.attrs, id: 'attr_id' }, most)
  const benchmarks = await loadAxis(engine, { axis: 'benchmark', path: paths.benchmarks, id: 'bench_id' })
  return {
    paths,
    attrs,
    codes: await loadAxis(engine, { axis: 'code', path: paths.codes, id: 'code_id' }),
    groups: await loadFactAxis(engine, { axis: 'group', path: paths.groups, id: 'group_id' }, most),
    benchmarks,
    lookup: await loadBenchmarkLookup(engine, paths),
    isDollar: await loadFlags(engine, paths.attrs, 'is_dollar', attrs.entries),
    lostRatio: await loadFlags(engine, paths.attrs, LOST_RATIO, attrs.entries),
    stateRate: doubleColumn(benchmarks, 'medicare_state_rate'),
  }
}

/** No index of a state. */
const NO_MEMBER_YET = -2

/** Loads one block. @throws IntegrityError ETL3-WR-01 when members or providers do not come in their order */
export async function loadBlock(engine: Engine, star: StagedStar, block: number): Promise<Block> {
  const where = `block = ${block}`
  const npis = await loadAxis(engine, { axis: 'npi', path: star.paths.npis, id: 'npi_id', where })
  const range = await engine.row(`SELECT
    (SELECT coalesce(min(npi_id), 0) FROM ${readParquet([star.paths.npis])} WHERE ${where})::INTEGER AS npi,
    min(cell_id)::INTEGER AS cell, count(*)::INTEGER AS cells FROM ${readParquet([star.paths.cells])} WHERE ${where}`)
  const firstNpi = Number(range['npi'])
  const firstCell = Number(range['cell'])

  const total = await engine.count(`SELECT count(*) FROM ${readParquet([star.paths.members])} WHERE ${where}`)
  const links = await engine.count(
    `SELECT count(*) FROM (SELECT DISTINCT group_id, cell_id FROM ${readParquet([star.paths.members])} WHERE ${where})`,
  )
  const stateOf = await star.lookup.statesOf(
    engine,
    `SELECT benchmark_state FROM ${readParquet([star.paths.npis])} WHERE ${where}`,
  )
  const cells = Number(range['cells'])
  const severalStates = new Uint8Array(cells)
  const stateOfCell = new Int32Array(cells).fill(NO_MEMBER_YET)
  const linkStart = new Int32Array(star.groups.entries + 1)
  const linkCell = new Int32Array(links)
  const memberStart = new Int32Array(links + 1)
  const members = new Int32Array(total)
  let member = 0
  let link = -1
  let group = -1
  let cell = -1
  for await (const chunk of engine.chunks(
    `SELECT group_id, cell_id, npi_id FROM ${readParquet([star.paths.members])} WHERE ${where}`,
  )) {
    const groupIds = chunk.int32(0)
    const cellIds = chunk.int32(1)
    const npiIds = chunk.int32(2)
    for (let row = 0; row < chunk.rows; row++) {
      const nextGroup = groupIds[row]!
      const nextCell = cellIds[row]!
      if (nextGroup !== group || nextCell !== cell) {
        if (nextGroup < group || (nextGroup === group && nextCell < cell)) {
          throw outOfOrder('members', `group ${nextGroup} in cell ${nextCell} after group ${group} in cell ${cell}`)
        }
        link += 1
        while (group < nextGroup) linkStart[++group] = link
        cell = nextCell
        linkCell[link] = cell - firstCell
        memberStart[link] = member
      }
      const npi = npiIds[row]! < 0 ? -1 : npiIds[row]! - firstNpi
      members[member++] = npi
      const state = npi < 0 ? -1 : stateOf[npi]!
      const known = stateOfCell[cell - firstCell]!
      if (known === NO_MEMBER_YET) stateOfCell[cell - firstCell] = state
      else if (known !== state) severalStates[cell - firstCell] = 1
    }
  }
  memberStart[links] = total
  while (group < star.groups.entries) linkStart[++group] = links
  return {
    block,
    npis,
    stateOf,
    firstCell,
    cells,
    severalStates,
    linkStart,
    linkCell,
    memberStart,
    members,
  }
}

const LOST_RATIO = "NOT is_dollar AND coalesce(lower(negotiated_type) <> 'percentage', false)"

async function loadFlags(engine: Engine, attrs: string, condition: string, entries: number): Promise<Uint8Array> {
  const flags = new Uint8Array(entries)
  let at = 0
  const sql = `SELECT ${condition} FROM ${readParquet([attrs])}`
  for await (const chunk of engine.chunks(sql)) {
    flags.set(chunk.uint8(0), at)
    at += chunk.rows
  }
  return flags
}

function doubleColumn(table: HashedAxis, name: string): Float64Array {
  const column = table.columns.find((c) => c.name === name)
  if (column?.pool.kind !== 'double') throw new Error(`no number column '${name}' on the axis`)
  const { values } = column.pool
  return Float64Array.from(column.valueOf, (i) => (i < 0 ? Number.NaN : values[i]!))
}
