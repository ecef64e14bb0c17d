/** The data dictionary for other programs: as JSON, and as columns of a Glue table with their comments. */
import type { ColumnType } from '../parquet/factorised.js'
import { type Axis, DICTIONARY, type DictionaryColumn, sideOf } from './dictionary.js'

/** Glue refuses a longer comment (API reference, Column: Comment, maximum length 255). */
const LONGEST_COMMENT = 255

const GLUE_TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'string',
  double: 'double',
  boolean: 'boolean',
  int32: 'int',
  date: 'date',
  list: 'array<string>',
}

/** One column as JSON. */
export interface ExportedColumn {
  readonly name: string
  readonly type: string
  /** Whether it can be a partition column, and on which side of the key. */
  readonly partition: 'slice' | 'cell' | null
  readonly dependsOn: Axis
  readonly source: string
  readonly meaning: string
}

/** One column as Glue's API takes it in a table's `StorageDescriptor.Columns`. */
export interface GlueColumn {
  readonly Name: string
  readonly Type: string
  readonly Comment: string
}

/** All columns, in file order. */
export function exportedColumns(): ExportedColumn[] {
  return DICTIONARY.map((column) => ({
    name: column.name,
    type: GLUE_TYPES[column.type],
    partition: partitionUse(column),
    dependsOn: column.axis,
    source: column.source,
    meaning: column.meaning,
  }))
}

/** All columns with comments, in file order: `meaning (source)`. */
export function glueColumns(): GlueColumn[] {
  return DICTIONARY.map(({ name, type, meaning, source }) => ({
    Name: name,
    Type: GLUE_TYPES[type],
    Comment: shortened(`${meaning} Source: ${source}`),
  }))
}

/** On which side of a partition key a column can stand; null where it can be no key. */
export function partitionUse(column: DictionaryColumn): 'slice' | 'cell' | null {
  const side = sideOf(column)
  if (column.type !== 'string' || column.axis === 'fact' || side === 'both') return null
  return side === 'fact' ? 'slice' : 'cell'
}

function shortened(text: string): string {
  return text.length <= LONGEST_COMMENT ? text : `${text.slice(0, LONGEST_COMMENT - 1)}…`
}
