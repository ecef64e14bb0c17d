/** How partition columns divide into a fact side (the slice) and a provider side (the cell). */
import { ConfigError } from '../runtime/errors.js'
import { type Axis, DICTIONARY, type DictionaryColumn, sideOf } from './dictionary.js'

/** Partition columns by the axis they hang on. The order is that of the configuration. */
export interface Layout {
  /** All partition columns, in directory order. */
  readonly columns: readonly string[]
  readonly attr: readonly string[]
  readonly code: readonly string[]
  readonly group: readonly string[]
  /** The cell: columns of the provider. */
  readonly provider: readonly string[]
}

/**
 * Checks partition columns against the data dictionary.
 *
 * @throws ConfigError ETL3-CF-10 for a column that does not exist, ETL3-CF-11 for one that cannot be a key
 */
export function layoutOf(partitionColumns: readonly string[]): Layout {
  const columns = partitionColumns.map(partitionColumn)
  const on = (axis: Axis): string[] => columns.filter((c) => c.axis === axis).map((c) => c.name)
  return {
    columns: columns.map((c) => c.name),
    attr: on('attr'),
    code: on('code'),
    group: on('group'),
    provider: on('npi'),
  }
}

function partitionColumn(name: string): DictionaryColumn {
  const column = DICTIONARY.find((c) => c.name === name)
  const possible = DICTIONARY.filter(isPossible).map((c) => c.name)
  if (!column) {
    throw new ConfigError('ETL3-CF-10', `partitioning.partition_columns: there is no column '${name}'`, {
      hint: `Columns that can be partition columns: ${possible.join(', ')}.`,
    })
  }
  if (!isPossible(column)) {
    throw new ConfigError('ETL3-CF-11', `partitioning.partition_columns: '${name}' cannot be a partition column`, {
      hint: `It is ${column.type === 'string' ? 'different for nearly every row' : `no text but ${column.type}`}. Possible are: ${possible.join(', ')}.`,
    })
  }
  return column
}

function isPossible(column: DictionaryColumn): boolean {
  return column.type === 'string' && column.axis !== 'fact' && sideOf(column) !== 'both'
}
