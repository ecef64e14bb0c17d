/**
 * Reads the facts of slices for the writer: several small slices at once, a large one piece by piece, so that memory
 * does not grow with the size of a slice.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import type { SliceFacts } from './enrich.js'
import { type BoundWindow, bindWindow } from './fact-axes.js'
import { type FactFilter, type FactRange, readFacts, WINDOW_FACTS } from './fact-window.js'
import type { StagedPaths } from './staged-files.js'
import type { Block, StagedStar } from './staged-star.js'

/** Rows of a slice among the staged facts. */
export interface SliceRange {
  readonly slice: number
  readonly from: number
  readonly to: number
}

/** Rows of the slices asked for, in order of the slices. */
export async function sliceRanges(
  engine: Engine,
  paths: StagedPaths,
  slices: readonly number[],
): Promise<SliceRange[]> {
  const wanted = new Set(slices)
  const rows = await engine.rows(
    `SELECT slice_id, first_row, facts FROM ${readParquet([paths.slices])} ORDER BY slice_id`,
  )
  return rows
    .map((row) => ({
      slice: Number(row['slice_id']),
      from: Number(row['first_row']),
      to: Number(row['first_row']) + Number(row['facts']),
    }))
    .filter((range) => wanted.has(range.slice))
}

/** Neighbouring slices of together up to `most` facts; a slice that is larger stands alone. */
export function windowsOf(ranges: readonly SliceRange[], most: number): SliceRange[][] {
  const windows: SliceRange[][] = []
  for (const range of ranges) {
    const window = windows.at(-1)
    const first = window?.[0]
    const last = window?.at(-1)
    if (window && first && last && last.to === range.from && range.to - first.from <= most) window.push(range)
    else windows.push([range])
  }
  return windows
}

/** Facts of a range ({@link readFacts}) with their attributes and groups. */
export async function readWindow(
  engine: Engine,
  star: StagedStar,
  range: FactRange,
  filter: FactFilter,
): Promise<{ readonly window: BoundWindow; readonly to: number }> {
  const { window, to } = await readFacts(engine, star.paths, range, filter)
  return { window: await bindWindow(engine, star, window), to }
}

/** Facts of each slice of a window that is in memory. */
export function slicesOf(window: BoundWindow): Map<number, SliceFacts> {
  const slices = new Map<number, SliceFacts>()
  let from = 0
  for (let fact = 1; fact <= window.facts; fact++) {
    if (fact < window.facts && window.slice[fact] === window.slice[from]) continue
    slices.set(window.slice[from]!, { window, from, to: fact })
    from = fact
  }
  return slices
}

/** Flags by group: 1 where the group has members in one of the cells (counted from the block's first). */
export function groupsOfCells(block: Block, cells: readonly number[]): Uint8Array {
  const wanted = new Uint8Array(block.cells)
  for (const cell of cells) wanted[cell] = 1
  const groups = block.linkStart.length - 1
  const keep = new Uint8Array(groups)
  for (let group = 0; group < groups; group++) {
    for (let link = block.linkStart[group]!; link < block.linkStart[group + 1]!; link++) {
      if (wanted[block.linkCell[link]!] === 1) keep[group] = 1
    }
  }
  return keep
}

/** Flags by group: 1 where the group has members in the block. */
export function groupsOfBlock({ linkStart }: Block): Uint8Array {
  return Uint8Array.from({ length: linkStart.length - 1 }, (_, group) =>
    linkStart[group + 1]! > linkStart[group]! ? 1 : 0,
  )
}

/**
 * A large range of facts in pieces of `most` facts of the groups to keep. Where a piece ends depends on these facts alone, so the
 * bytes of a partition do not change with its neighbours.
 */
export async function* piecesOf(
  engine: Engine,
  star: StagedStar,
  range: FactRange,
  filter: { readonly quarantined: Uint8Array; readonly keep: Uint8Array },
  most = WINDOW_FACTS,
): AsyncGenerator<SliceFacts> {
  for (let from = range.from; from < range.to; ) {
    const { window, to } = await readWindow(engine, star, { from, to: range.to }, { ...filter, most })
    if (window.facts > 0) yield { window, from: 0, to: window.facts }
    from = to
  }
}
