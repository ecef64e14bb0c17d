/** Builds factorised partitions from plain values, and says which rows they stand for. Shares no code with src/. */

import type {
  AxisStream,
  ColumnSource,
  ColumnType,
  FactorisedRows,
  FileColumn,
  Grain,
  NumberStream,
  PartitionEncoder,
  ValuePool,
} from '../../../src/parquet/factorised.js'

/** A value as a row holds it: dates and int32 as numbers (dates in days). */
export type Cell = string | number | boolean | null | readonly (string | null)[]
export type Row = Record<string, Cell>

const utf8 = new TextEncoder()

export function bytesPool(values: readonly string[], sorted = false): Extract<ValuePool, { kind: 'bytes' }> {
  const encoded = values.map((value) => utf8.encode(value))
  const offsets = new Int32Array(values.length + 1)
  const data = new Uint8Array(encoded.reduce((sum, { length }) => sum + length + 4, 0))
  const view = new DataView(data.buffer)
  let position = 0
  encoded.forEach((bytes, i) => {
    view.setInt32(position, bytes.length, true)
    data.set(bytes, position + 4)
    position += bytes.length + 4
    offsets[i + 1] = position
  })
  return { kind: 'bytes', data, offsets, count: values.length, sorted }
}

export function doublePool(values: readonly number[]): ValuePool {
  return { kind: 'double', values: Float64Array.from(values), count: values.length }
}

export function int32Pool(values: readonly number[]): ValuePool {
  return { kind: 'int32', values: Int32Array.from(values), count: values.length }
}

export function booleanPool(values: readonly boolean[]): ValuePool {
  return { kind: 'boolean', values: Uint8Array.from(values, Number), count: values.length }
}

export function listPool(values: readonly (readonly (string | null)[])[]): ValuePool {
  const names = [...new Set(values.flat().filter((item) => item !== null))]
  const items = values.flat().map((item) => (item === null ? -1 : names.indexOf(item)))
  const itemOffsets = new Int32Array(values.length + 1)
  values.forEach((value, i) => {
    itemOffsets[i + 1] = itemOffsets[i]! + value.length
  })
  return { kind: 'list', itemOffsets, items: Int32Array.from(items), elements: bytesPool(names), count: values.length }
}

/** A pool of a column's type. */
export function poolOf(type: ColumnType, values: readonly Exclude<Cell, null>[]): ValuePool {
  switch (type) {
    case 'string':
      return bytesPool(values.map(String))
    case 'double':
      return doublePool(values.map(Number))
    case 'int32':
    case 'date':
      return int32Pool(values.map(Number))
    case 'boolean':
      return booleanPool(values.map(Boolean))
    case 'list':
      return listPool(values.map((value) => (typeof value === 'object' ? value : [])))
  }
}

/** The value at an index of a pool, read by the contract of factorised.ts. */
function valueIn(pool: ValuePool, index: number): Cell {
  if (index < 0) return null
  switch (pool.kind) {
    case 'bytes':
      return Buffer.from(pool.data.subarray(pool.offsets[index]! + 4, pool.offsets[index + 1])).toString('utf8')
    case 'double':
    case 'int32':
      return pool.values[index]!
    case 'boolean':
      return pool.values[index] === 1
    case 'list':
      return Array.from(pool.items.subarray(pool.itemOffsets[index], pool.itemOffsets[index + 1]), (item) => {
        const value = valueIn(pool.elements, item)
        return typeof value === 'string' ? value : null
      })
  }
}

/** A partition with everything that says what its rows are. */
export interface Partition {
  readonly columns: readonly FileColumn[]
  readonly sources: readonly ColumnSource[]
  readonly groups: readonly FactorisedRows[]
}

/** The rows of a partition, one after the other: what every reader must find. */
export function rowsOf({ columns, sources, groups }: Partition): Row[] {
  return groups.flatMap((group) => {
    const factOfRow: number[] = []
    for (let fact = 0; fact < group.facts; fact++) {
      for (let i = 0; i < group.runLengths[fact]!; i++) factOfRow.push(fact)
    }
    const unit = (grain: Grain, row: number) => (grain === 'row' ? row : grain === 'fact' ? factOfRow[row]! : 0)
    return factOfRow.map((_, row) =>
      Object.fromEntries(
        columns.map(({ name, type }, i): [string, Cell] => {
          const source = sources[i]!
          if (source.from === 'numbers') {
            const { grain, values, valid } = group.numbers[source.stream]!
            const at = unit(grain, row)
            if (valid !== undefined && valid[at] === 0) return [name, null]
            return [name, type === 'boolean' ? values[at] !== 0 : values[at]!]
          }
          const { grain, entries } = group.axes[source.axis]!
          const entry = entries[unit(grain, row)]!
          if (entry < 0) return [name, null]
          return [name, valueIn(source.pool, source.valueOf === undefined ? entry : source.valueOf[entry]!)]
        }),
      ),
    )
  })
}

/** One row group whose facts have these numbers of rows. */
export function group(
  runLengths: readonly number[],
  axes: readonly AxisStream[],
  numbers: readonly NumberStream[] = [],
): FactorisedRows {
  return {
    rows: runLengths.reduce((sum, length) => sum + length, 0),
    facts: runLengths.length,
    runLengths: Int32Array.from(runLengths),
    axes,
    numbers,
  }
}

/** An axis of these entries. */
export function axis(grain: Grain, entries: readonly number[] | Int32Array): AxisStream {
  return { grain, entries: Int32Array.from(entries) }
}

/** A partition of one row group of one column, whose rows hold `cells`. */
export function columnOf(type: ColumnType, cells: readonly Cell[], name = 'value'): Partition {
  const keys = new Map<string, number>()
  const values: Exclude<Cell, null>[] = []
  const entries = cells.map((cell) => {
    if (cell === null) return -1
    const key = Object.is(cell, -0) ? '-0' : JSON.stringify(cell) + String(cell)
    let entry = keys.get(key)
    if (entry === undefined) {
      entry = values.push(cell) - 1
      keys.set(key, entry)
    }
    return entry
  })
  return {
    columns: [{ name, type }],
    sources: [{ from: 'axis', axis: 0, pool: poolOf(type, values), valueOf: undefined }],
    groups: [group([cells.length], [axis('row', entries)])],
  }
}

/** The whole file that an encoder makes of a partition. */
export function encodeAll(
  encoder: PartitionEncoder,
  { sources, groups }: Partition,
  metadata: readonly (readonly [string, string])[] = [],
): Buffer {
  encoder.bind(sources)
  // A piece is valid until the next one only.
  return Buffer.concat(Array.from(encoder.encode(groups, metadata), (piece) => Buffer.from(piece)))
}
