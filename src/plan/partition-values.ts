/** The values of a partition's key, from the ids of its slice and cell. */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import type { Layout } from '../star/layout.js'
import { readSliceRadix, sliceParts, slicePartsSql } from '../star/slice-id.js'
import type { StagedPaths } from '../star/staged-files.js'

/** Raw values of a partition column; null for NULL. */
export type KeyValue = string | null

/** Looks up key values. */
export type ValuesOfPartition = (slice: number, cell: number) => KeyValue[]

/** Reads the distinct values of each side of the key. */
export async function loadPartitionValues(
  engine: Engine,
  paths: StagedPaths,
  layout: Layout,
): Promise<ValuesOfPartition> {
  const attr = await loadParts(engine, paths.attr_parts, 'part_id', layout.attr)
  const code = await loadParts(engine, paths.code_parts, 'part_id', layout.code)
  const group = await loadParts(engine, paths.group_parts, 'part_id', layout.group)
  const cells = await loadParts(engine, paths.cells, 'cell_id', layout.provider)
  const radix = { codes: code.length, groups: group.length }
  const sides = [layout.attr, layout.code, layout.group, layout.provider]
  // Where the value of each column stands: on which side, and where among its columns.
  const places = layout.columns.map((column) => {
    const side = sides.findIndex((columns) => columns.includes(column))
    return { side, at: sides[side]?.indexOf(column) ?? -1 }
  })
  return (slice, cell) => {
    const part = sliceParts(slice, radix)
    const parts = [attr[part.attr], code[part.code], group[part.group], cells[cell]]
    return places.map(({ side, at }) => parts[side]?.[at] ?? null)
  }
}

/** {@link ValuesOfPartition} in SQL. */
export interface ValuesInSql {
  /** The partition columns, in their order, as a list for SELECT. */
  readonly columns: string
  /** Joins to a relation `i` that has `slice_id` and `cell_id`. */
  readonly joins: string
}

/** The same values for the engine: a relation of all partitions then needs no text of its own for each column. */
export async function partitionValuesInSql(engine: Engine, paths: StagedPaths, layout: Layout): Promise<ValuesInSql> {
  const part = slicePartsSql('i.slice_id', await readSliceRadix(engine, paths))
  const sides = [
    { alias: 'attr', columns: layout.attr, path: paths.attr_parts, on: `part_id = ${part.attr}` },
    { alias: 'code', columns: layout.code, path: paths.code_parts, on: `part_id = ${part.code}` },
    { alias: 'grp', columns: layout.group, path: paths.group_parts, on: `part_id = ${part.group}` },
    { alias: 'cell', columns: layout.provider, path: paths.cells, on: 'cell_id = i.cell_id' },
  ]
  const of = (column: string): string => sides.find(({ columns }) => columns.includes(column))?.alias ?? ''
  return {
    columns: layout.columns.map((column) => `${of(column)}.${sqlIdentifier(column)}`).join(', '),
    joins: sides.map(({ alias, path, on }) => `LEFT JOIN ${readParquet([path])} ${alias} ON ${alias}.${on}`).join(' '),
  }
}

async function loadParts(
  engine: Engine,
  path: string,
  id: string,
  columns: readonly string[],
): Promise<(readonly KeyValue[])[]> {
  const rows = await engine.rows(`SELECT * FROM ${readParquet([path])} ORDER BY ${sqlIdentifier(id)}`)
  return rows.map((row) =>
    columns.map((column) => {
      const value = row[column]
      return value === null || value === undefined ? null : String(value)
    }),
  )
}
