import { describe, expect, it } from 'vitest'
import { commitTable } from '../../../src/iceberg/commit-table.js'
import { tableColumns } from '../../../src/iceberg/table-columns.js'
import type { ColumnType } from '../../../src/parquet/factorised.js'
import { DICTIONARY } from '../../../src/star/dictionary.js'
import { GO_ON } from '../lake/folder/lake-folder.js'
import type { Cell } from '../parquet/partition.js'
import { exactRows } from '../parquet/readers.js'
import { PyIceberg } from './pyiceberg.js'
import { folderTable, partitionOf, run, writeFile } from './small-table.js'

const IDS = tableColumns(DICTIONARY).flatMap(({ fieldId, elementFieldId = [] }) => [fieldId, elementFieldId].flat())

describe('the columns of the dictionary', () => {
  it('are those of a table that pyiceberg reads, NULL or not', async () => {
    const columns = tableColumns(DICTIONARY)
    const sample: Readonly<Record<ColumnType, Cell>> = {
      string: 'ä',
      double: 1.5,
      int32: 3,
      date: 20_000,
      boolean: true,
      list: ['x', null],
    }
    const rows = [
      Object.fromEntries(columns.map(({ name, type }) => [name, sample[type]])),
      Object.fromEntries(columns.map(({ name, type }) => [name, name === 'payer_slug' ? sample[type] : null])),
    ]
    const table = folderTable()
    const partition = partitionOf(columns, rows)
    const file = await writeFile(table.store, 'all', columns, partition, ['ä'])
    const layout = { columns, partitionColumns: ['payer_slug'], sortColumns: ['code', 'npi'] }
    await commitTable(table, run(1, [file], layout), GO_ON)
    expect((await new PyIceberg(table.store.uri).rows()).rows).toEqual(exactRows(rows))
  })
})

describe('field ids', () => {
  it('are there for every column of the dictionary, once each', () => {
    expect(new Set(IDS).size).toBe(IDS.length)
    expect(() => tableColumns([{ ...DICTIONARY[0]!, name: 'new_column' }])).toThrow('new_column')
  })

  it('stay what they were in the first tables', () => {
    const ids = Object.fromEntries(tableColumns(DICTIONARY).map(({ name, fieldId }) => [name, fieldId]))
    expect(ids).toMatchObject({
      payer_slug: 1,
      month: 9,
      code: 14,
      negotiated_rate: 17,
      npi: 27,
      is_above_medicare: 65,
    })
    const elements = Object.fromEntries(
      tableColumns(DICTIONARY).map(({ name, elementFieldId }) => [name, elementFieldId]),
    )
    expect(elements).toMatchObject({ pos_members: 66, tin_values: 67, payer_slug: undefined })
  })
})
