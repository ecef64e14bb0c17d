/**
 * The staged star as a worker holds it: the axes, the member links of one block, the Medicare look-up. All of it is
 * read from staged files and can be thrown away at any moment.
 */
import { type Engine, readParquet } from '../engine/engine.js'
import { type AxisTable, loadAxis } from './axis-table.js'
import { type BenchmarkLookup, loadBenchmarkLookup } from './benchmark-lookup.js'
import { outOfOrder } from './in-order.js'
import type { StagedPaths } from './staged-files.js'

/** What every unit needs: the fact side and the benchmarks. */
export interface StagedStar {
  readonly paths: StagedPaths
  readonly attrs: AxisTable
  readonly codes: AxisTable
  readonly groups: AxisTable
  readonly benchmarks: AxisTable
  readonly lookup: BenchmarkLookup
  /** Per attr entry: 1 where the rate is a dollar amount (negotiated_type is known and not `percentage`). */
  readonly isDollar: Uint8Array
  /** Medicare state rate of each benchmark entry, NaN where NULL. */
  readonly stateRate: Float64Array
}

/** Providers and member links of one block. */
export interface Block {
  readonly block: number
  readonly npis: AxisTable
  /** Cell of each provider is implied by the links; state (index of the look-up) of each provider, −1 where NULL. */
  readonly stateOf: Int32Array
  readonly firstCell: number
  readonly cells: number
  /** Links of group g: `linkStart[g]` … `linkStart[g + 1] - 1`, one link per cell in which the group has members. */
  readonly linkStart: Int32Array
  /** Cell of each link, counted from `firstCell`. */
  readonly linkCell: Int32Array
  /** Members of link l: `memberStart[l]` … `memberStart[l + 1] - 1`. */
  readonly memberStart: Int32Array
  /** Provider of each member (entry of `npis`), ascending within a link; −1 for the pseudo-member of an empty group. */
  readonly members: Int32Array
}

/** Loads the fact side. */
export async function loadStagedStar(engine: Engine, paths: StagedPaths): Promise<StagedStar> {
  const attrs = await loadAxis(engine, 'attr', paths.attrs, 'attr_id')
  const benchmarks = await loadAxis(engine, 'benchmark', paths.benchmarks, 'bench_id')
  return {
    paths,
    attrs,
    codes: await loadAxis(engine, 'code', paths.codes, 'code_id'),
    groups: await loadAxis(engine, 'group', paths.groups, 'group_id'),
    benchmarks,
    lookup: await loadBenchmarkLookup(engine, paths),
    isDollar: await loadIsDollar(engine, paths.attrs, attrs.entries),
    stateRate: doubleColumn(benchmarks, 'medicare_state_rate'),
  }
}

/** Loads one block. @throws IntegrityError ETL3-WR-01 when members or providers do not come in their order */
export async function loadBlock(engine: Engine, star: StagedStar, block: number): Promise<Block> {
  const where = `block = ${block}`
  const npis = await loadAxis(engine, 'npi', star.paths.npis, 'npi_id', where)
  const range = await engine.row(`SELECT
    (SELECT coalesce(min(npi_id), 0) FROM ${readParquet([star.paths.npis])} WHERE ${where})::INTEGER AS npi,
    min(cell_id)::INTEGER AS cell, count(*)::INTEGER AS cells FROM ${readParquet([star.paths.cells])} WHERE ${where}`)
  const firstNpi = Number(range['npi'])
  const firstCell = Number(range['cell'])

  const total = await engine.count(`SELECT count(*) FROM ${readParquet([star.paths.members])} WHERE ${where}`)
  const links = await engine.count(
    `SELECT count(*) FROM (SELECT DISTINCT group_id, cell_id FROM ${readParquet([star.paths.members])} WHERE ${where})`,
  )
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
      const npi = npiIds[row]!
      members[member++] = npi < 0 ? -1 : npi - firstNpi
    }
  }
  memberStart[links] = total
  while (group < star.groups.entries) linkStart[++group] = links
  return {
    block,
    npis,
    stateOf: await star.lookup.statesOf(engine, `SELECT state FROM ${readParquet([star.paths.npis])} WHERE ${where}`),
    firstCell,
    cells: Number(range['cells']),
    linkStart,
    linkCell,
    memberStart,
    members,
  }
}

async function loadIsDollar(engine: Engine, attrs: string, entries: number): Promise<Uint8Array> {
  const flags = new Uint8Array(entries)
  let at = 0
  const sql = `SELECT coalesce(lower(negotiated_type) <> 'percentage', false) FROM ${readParquet([attrs])}`
  for await (const chunk of engine.chunks(sql)) {
    flags.set(chunk.uint8(0), at)
    at += chunk.rows
  }
  return flags
}

function doubleColumn(table: AxisTable, name: string): Float64Array {
  const column = table.columns.find((c) => c.name === name)
  if (column?.pool.kind !== 'double') throw new Error(`no number column '${name}' on the axis`)
  const { values } = column.pool
  return Float64Array.from(column.valueOf, (i) => (i < 0 ? Number.NaN : values[i]!))
}
