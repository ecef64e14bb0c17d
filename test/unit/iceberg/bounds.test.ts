import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commitTable, type IcebergTable } from '../../../src/iceberg/commit-table.js'
import { type ColumnMetrics, type DataFile, MetricsCollector } from '../../../src/iceberg/data-file.js'
import type { TableColumn } from '../../../src/iceberg/table-columns.js'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import type { ColumnType } from '../../../src/parquet/factorised.js'
import { GO_ON } from '../lake/folder/lake-folder.js'
import { type Cell, columnOf, encodeAll, rowsOf } from '../parquet/partition.js'
import { limits, partitions } from '../parquet/random-partition.js'
import { PyIceberg } from './pyiceberg.js'
import { folderTable, row, run, writeRows } from './small-table.js'

/** The metrics of a file with these columns. */
function metricsOf(
  partition: Parameters<typeof encodeAll>[1],
  options: Parameters<typeof createPartitionEncoder>[1] = {},
): readonly ColumnMetrics[] {
  const columns = partition.columns.map(
    (column, i): TableColumn => ({
      ...column,
      fieldId: i + 1,
      ...(column.type === 'list' ? { elementFieldId: 100 + i } : {}),
      meaning: '',
    }),
  )
  const metrics = new MetricsCollector(columns)
  encodeAll(createPartitionEncoder(columns, { ...options, observe: (chunk) => metrics.add(chunk) }), partition)
  return metrics.take().columns
}

/** The metrics of a column that holds these values. */
function metricsOfColumn(type: ColumnType, cells: readonly Cell[]): ColumnMetrics {
  return metricsOf(columnOf(type, cells))[0]!
}

/** A bound as the specification's appendix D reads it. */
function readBound(type: ColumnType, bound: string): string | number | boolean {
  const bytes = Buffer.from(bound, 'base64')
  switch (type) {
    case 'double':
      return bytes.readDoubleLE()
    case 'int32':
    case 'date':
      return bytes.readInt32LE()
    case 'boolean':
      return bytes[0] !== 0
    default:
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  }
}

/** The specification's order: of texts that of code points, of numbers with -0 before 0. */
function inOrder(a: string | number | boolean, b: string | number | boolean): boolean {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0
  if (a === 0 && b === 0) return Object.is(a, -0) || Object.is(b, 0)
  return a <= b
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('a', '\u{10FFFF}', '\uD7FF', '\uE000', '\uFEFF', 'é', '\u{1F600}'),
    maxLength: 20,
  }),
)

const doubles = fc.oneof(
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.double(),
)

describe('the bounds of a column', () => {
  it('hold for every value of a file, and the counts are those of its rows', () => {
    fc.assert(
      fc.property(partitions, limits, (partition, options) => {
        const rows = rowsOf(partition)
        for (const [i, metrics] of metricsOf(partition, options).entries()) {
          const { name, type } = partition.columns[i]!
          if (type === 'list') {
            expect(Object.keys(metrics)).toEqual(['fieldId', 'bytes'])
            continue
          }
          const cells = rows.map((cells) => cells[name] ?? null)
          expect(metrics.values).toBe(rows.length)
          expect(metrics.nulls).toBe(cells.filter((cell) => cell === null).length)
          const hasNan = cells.some((cell) => Number.isNaN(cell))
          if (type === 'double') expect(metrics.nans).toBe(hasNan ? undefined : 0)
          if (hasNan) expect([metrics.lower, metrics.upper]).toEqual([undefined, undefined])
          for (const cell of cells) {
            if (cell === null || typeof cell === 'object') continue
            if (metrics.lower !== undefined) expect(inOrder(readBound(type, metrics.lower), cell)).toBe(true)
            if (metrics.upper !== undefined) expect(inOrder(cell, readBound(type, metrics.upper))).toBe(true)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('of texts are short, and hold', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
        const { lower, upper } = metricsOfColumn('string', texts)
        for (const bound of [lower, upper]) {
          if (bound !== undefined) expect([...String(readBound('string', bound))].length).toBeLessThanOrEqual(16)
        }
        for (const value of texts) {
          expect(inOrder(readBound('string', lower!), value)).toBe(true)
          if (upper !== undefined) expect(inOrder(value, readBound('string', upper))).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['a'.repeat(16), 'a'.repeat(16)],
    ['a'.repeat(17), `${'a'.repeat(15)}b`],
    [`${'a'.repeat(15)}\uD7FFx`, `${'a'.repeat(15)}\uE000`],
    [`${'a'.repeat(15)}\u{10FFFF}x`, `${'a'.repeat(14)}b`],
    [`a${'\u{10FFFF}'.repeat(30)}`, 'b'],
    ['\u{1F600}'.repeat(17), `${'\u{1F600}'.repeat(15)}\u{1F601}`],
    ['\uFEFF'.repeat(17), `${'\uFEFF'.repeat(15)}\uFF00`],
    ['\u{10FFFF}'.repeat(16), '\u{10FFFF}'.repeat(16)],
    ['\u{10FFFF}'.repeat(17), undefined],
  ])('of the text %j is %j above', (value, expected) => {
    const { upper } = metricsOfColumn('string', [value])
    expect(upper === undefined ? undefined : readBound('string', upper)).toBe(expected)
  })

  it('of zeros hold for both of them', () => {
    const { lower, upper } = metricsOfColumn('double', [0])
    expect([readBound('double', lower!), readBound('double', upper!)]).toEqual([-0, 0])
  })

  it('never make pyiceberg leave out a value that is there, or take a predicate for sure that is not', async () => {
    const cells = fc.record({
      payer: fc.constant('p'),
      text: fc.option(text, { nil: null }),
      amount: fc.option(doubles, { nil: null }),
      count: fc.option(fc.oneof(fc.constantFrom(0, 2 ** 31 - 1, -(2 ** 31)), fc.integer()), { nil: null }),
      day: fc.option(fc.integer({ min: -719_162, max: 2_932_896 }), { nil: null }),
      flag: fc.option(fc.boolean(), { nil: null }),
    })
    const files = fc.sample(fc.array(cells, { minLength: 1, maxLength: 6 }), { numRuns: 150, seed: 17 })
    const table: IcebergTable = folderTable()
    const written: DataFile[] = []
    for (const [i, rows] of files.entries()) written.push(await writeRows(table, `random-${i}`, rows.map(row)))
    await commitTable(table, run(1, written), GO_ON)

    const { wrong, asked } = await new PyIceberg(table.store.uri).evaluate()
    expect(asked).toBeGreaterThan(5_000)
    expect(wrong).toEqual([])
  })
})
