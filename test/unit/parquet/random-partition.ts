import fc from 'fast-check'
import type { EncoderOptions } from '../../../src/parquet/encoder.js'
import type {
  AxisStream,
  ColumnSource,
  ColumnType,
  FactorisedRows,
  Grain,
  NumberStream,
} from '../../../src/parquet/factorised.js'
import { type Cell, type Partition, poolOf } from './partition.js'

/** Any text that UTF-8 can hold: halves of surrogate pairs it can not. */
const anyText = fc.oneof(
  fc.constantFrom('', ' ', 'A', 'a', 'ä', '\u0000', '\u{1F600}', '\uFFFD', 'O\'Brien, "x"', 'x'.repeat(200)),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

const doubles = fc.oneof(
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, -1),
  fc.double(),
)

const MIN_INT32 = -(2 ** 31)
const MAX_INT32 = 2 ** 31 - 1

function cells(type: ColumnType): fc.Arbitrary<Exclude<Cell, null>> {
  switch (type) {
    case 'string':
      return anyText
    case 'double':
      return doubles
    case 'int32':
      return fc.oneof(fc.constantFrom(0, -1, MIN_INT32, MAX_INT32), fc.integer())
    case 'date':
      // The years 1 to 9999, which all readers and all their languages have.
      return fc.integer({ min: -719_162, max: 2_932_896 })
    case 'boolean':
      return fc.boolean()
    case 'list':
      return fc.array(fc.option(anyText, { freq: 6 }), { maxLength: 6 })
  }
}

const grains = fc.constantFrom<Grain[]>('file', 'fact', 'row')

interface Shape {
  readonly axes: readonly { readonly grain: Grain; readonly ids: number; readonly nulls: boolean }[]
  readonly streams: readonly {
    readonly grain: Grain
    readonly nulls: boolean
    readonly integers: boolean
    readonly values: readonly number[]
  }[]
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  axes: fc.array(fc.record({ grain: grains, ids: fc.constantFrom(1, 1, 2, 3, 5, 9, 40), nulls: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  }),
  streams: fc.array(
    fc.oneof(
      fc.record({
        grain: grains,
        nulls: fc.boolean(),
        integers: fc.constant(true),
        values: fc.array(fc.integer({ min: -5, max: 40 }), { minLength: 1, maxLength: 12 }),
      }),
      fc.record({
        grain: grains,
        nulls: fc.boolean(),
        integers: fc.constant(false),
        values: fc.array(doubles, { minLength: 1, maxLength: 12 }),
      }),
    ),
    { minLength: 1, maxLength: 2 },
  ),
})

const runs = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 }),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
  fc.constant([1]),
)

function units(grain: Grain, facts: number, rows: number): number {
  return grain === 'row' ? rows : grain === 'fact' ? facts : 1
}

function rowGroups(shape: Shape): fc.Arbitrary<FactorisedRows> {
  return runs.chain((lengths) => {
    const facts = lengths.length
    const rows = lengths.reduce((sum, length) => sum + length, 0)
    const exactly = <T>(item: fc.Arbitrary<T>, length: number) =>
      fc.array(item, { minLength: length, maxLength: length })
    const axes = shape.axes.map(({ grain, ids, nulls }) =>
      exactly(fc.integer({ min: nulls ? -1 : 0, max: ids - 1 }), units(grain, facts, rows)).map(
        (entries): AxisStream => ({ grain, entries: Int32Array.from(entries) }),
      ),
    )
    const numbers = shape.streams.map(({ grain, nulls, values }) => {
      const count = units(grain, facts, rows)
      return fc.tuple(exactly(fc.constantFrom(...values), count), exactly(fc.nat({ max: 1 }), count)).map(
        ([items, valid]): NumberStream => ({
          grain,
          values: Float64Array.from(items),
          valid: nulls ? Uint8Array.from(valid) : undefined,
        }),
      )
    })
    return fc.tuple(fc.tuple(...axes), fc.tuple(...numbers)).map(([a, n]) => ({
      rows,
      facts,
      runLengths: Int32Array.from(lengths),
      axes: a,
      numbers: n,
    }))
  })
}

interface Column {
  readonly type: ColumnType
  readonly source: ColumnSource
}

const types = fc.constantFrom<ColumnType[]>('string', 'string', 'double', 'int32', 'date', 'boolean', 'list')

function columns(shape: Shape): fc.Arbitrary<Column> {
  const pooled = fc.tuple(types, fc.nat({ max: shape.axes.length - 1 })).chain(([type, axis]) => {
    const ids = shape.axes[axis]!.ids
    // Pools may hold a value twice, and more values than the axis has entries.
    return fc.array(cells(type), { minLength: 1, maxLength: Math.max(1, ids) }).chain((values) => {
      const pool = poolOf(type, values)
      const direct = values.length >= ids ? [fc.constant(undefined)] : []
      const mapped = fc
        .array(fc.integer({ min: -1, max: values.length - 1 }), { minLength: ids, maxLength: ids })
        .map((ofEntry) => Int32Array.from(ofEntry))
      return fc
        .oneof(mapped, ...direct)
        .map((ofEntry): Column => ({ type, source: { from: 'axis', axis, pool, valueOf: ofEntry } }))
    })
  })
  const numeric = fc.nat({ max: shape.streams.length - 1 }).chain((stream) => {
    const possible: ColumnType[] = shape.streams[stream]!.integers ? ['double', 'int32', 'date', 'boolean'] : ['double']
    return fc.constantFrom(...possible).map((type): Column => ({ type, source: { from: 'numbers', stream } }))
  })
  return fc.oneof({ weight: 4, arbitrary: pooled }, { weight: 1, arbitrary: numeric })
}

/** Partitions of every kind that the contract allows. */
export const partitions: fc.Arbitrary<Partition> = shapes.chain((shape) =>
  fc
    .tuple(
      fc.array(columns(shape), { minLength: 1, maxLength: 7 }),
      fc.array(rowGroups(shape), { minLength: 1, maxLength: 3 }),
    )
    .map(([list, groups]) => ({
      columns: list.map(({ type }, i) => ({ name: `${type}_${i}`, type })),
      sources: list.map(({ source }) => source),
      groups,
    })),
)

/** Limits so low that small partitions meet them: many pages, no dictionary or a large one, everything compressed. */
export const limits: fc.Arbitrary<EncoderOptions> = fc.record(
  {
    dictionaryLimitBytes: fc.constantFrom(1, 20, 100, 1024 * 1024),
    largeDictionaryLimitBytes: fc.constantFrom(1, 60, 300, 1024 * 1024),
    pageBytes: fc.constantFrom(1, 7, 40, 300, 1024 * 1024),
    compressFromBytes: fc.constantFrom(0, 40, 300, 1_000_000),
  },
  { requiredKeys: [] },
)

/** Key-value metadata. */
export const metadata = fc.array(fc.tuple(anyText, anyText), { maxLength: 3 })
