/**
 * A slice is numbered in mixed radix by the parts of the partition key that a fact itself decides: its attributes, its
 * code, its provider group. Whoever makes a slice id, or takes one apart, does it here.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'

/** How many parts the two lower digits have; the highest one needs no bound. */
export interface SliceRadix {
  readonly codes: number
  readonly groups: number
}

/** The digits of a slice id, each a `part_id` of its side, or SQL for one. */
export interface SliceParts<T> {
  readonly attr: T
  readonly code: T
  readonly group: T
}

/** Counts the parts of the staged sides. */
export async function readSliceRadix(
  engine: Engine,
  paths: { readonly code_parts: string; readonly group_parts: string },
): Promise<SliceRadix> {
  return {
    codes: await engine.count(`SELECT count(*) FROM ${readParquet([paths.code_parts])}`),
    groups: await engine.count(`SELECT count(*) FROM ${readParquet([paths.group_parts])}`),
  }
}

/** SQL of the slice id that three expressions make. */
export function sliceIdSql({ attr, code, group }: SliceParts<string>, { codes, groups }: SliceRadix): string {
  return `(((${attr}) * ${codes} + (${code})) * ${groups} + (${group}))::INTEGER`
}

/** SQL of the parts of a slice id: the inverse of {@link sliceIdSql}. */
export function slicePartsSql(slice: string, { codes, groups }: SliceRadix): SliceParts<string> {
  return {
    attr: `(${slice}) // ${codes * groups}`,
    code: `((${slice}) // ${groups}) % ${codes}`,
    group: `(${slice}) % ${groups}`,
  }
}

/** The parts of a slice id: the inverse of {@link sliceIdSql}. */
export function sliceParts(slice: number, { codes, groups }: SliceRadix): SliceParts<number> {
  return {
    attr: Math.floor(slice / (codes * groups)),
    code: Math.floor(slice / groups) % codes,
    group: slice % groups,
  }
}
