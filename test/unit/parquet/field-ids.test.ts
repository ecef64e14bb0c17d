import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import type { ColumnType, FileColumn } from '../../../src/parquet/factorised.js'
import { columnOf, encodeAll, type Row } from './partition.js'
import { readWithHyparquet, readWithPyarrow } from './readers.js'

const TYPES: readonly ColumnType[] = ['string', 'double', 'int32', 'date', 'boolean', 'list']

/** What hyparquet reads of the ids in a schema, by path. */
function idsOf(file: Buffer): Record<string, number | undefined> {
  const { schema } = parquetMetadata(new Uint8Array(file).buffer)
  return Object.fromEntries(schema.map(({ name, field_id }) => [name, field_id]))
}

describe('field ids', () => {
  it.each(TYPES)('stand in the schema of a %s column, whose values and logical types stay', async (type) => {
    const partition = columnOf(type, [null])
    const column: FileColumn = {
      name: 'value',
      type,
      fieldId: 7,
      ...(type === 'list' ? { elementFieldId: 70_000 } : {}),
    }
    const file = encodeAll(createPartitionEncoder([column]), partition)
    const plain = encodeAll(createPartitionEncoder(partition.columns), partition)

    expect(idsOf(file)).toEqual({
      root: undefined,
      value: 7,
      ...(type === 'list' ? { list: undefined, element: 70_000 } : {}),
    })
    expect(Object.values(idsOf(plain)).every((id) => id === undefined)).toBe(true)
    const rows: Row[] = [{ value: null }]
    expect(await readWithHyparquet(file)).toEqual(rows)
    const [withIds, without] = await readWithPyarrow([file, plain])
    expect(withIds?.types).toEqual(without?.types)
    expect(withIds?.rows).toEqual(rows)
  })
})
