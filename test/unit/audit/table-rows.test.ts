import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColumnValues } from '../../../src/audit/column-values.js'
import type { ContractValue } from '../../../src/audit/contract-values.js'
import { ParquetRows } from '../../../src/audit/parquet-rows.js'
import type { StarTableName } from '../../../src/audit/star-tables.js'
import { columnReader, starColumn } from '../../../src/audit/table-rows.js'
import { text } from '../../oracle/sql.js'

const PYTHON = process.env['ETL3_PYTHON'] ?? 'python3'
const LIMITS = { chunkBytes: 1024 * 1024, heapBytes: 16 * 1024 * 1024 }

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-table-rows-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function written(name: string, select: string): Promise<string> {
  const file = join(folder, `${name}.parquet`)
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`COPY (${select}) TO ${text(file)} (FORMAT parquet)`)
  connection.closeSync()
  instance.closeSync()
  return file
}

/** Reads all rows of a column of the contract and hands them to `act`. */
async function reading<T>(
  [file, table, column]: readonly [string, StarTableName, string],
  act: (values: ColumnValues) => T,
  pathColumns: Readonly<Record<string, string>> = {},
): Promise<T> {
  const rows = await ParquetRows.open(file, LIMITS)
  const audited = { path: file, local: file, seed: 0, pathColumns: new Map(Object.entries(pathColumns)) }
  try {
    const read = columnReader(rows, audited, starColumn(table, column))
    return act(await read({ group: 0, from: 0, to: rows.rows }))
  } finally {
    rows.close()
  }
}

const allOf = (values: ColumnValues): ContractValue[] => Array.from({ length: values.length }, (_, i) => values.at(i))

describe('a column of the contract, read by the second reader', () => {
  it.each([
    ['data_year', '2024', 2024],
    ['work_rvu', '-3', -3],
    ['year_month', '202406', '2024-06'],
    ['code', '00100', '00100'],
  ])('may stand in the path, numbers too: %s=%s', async (column, inPath, expected) => {
    const file = await written(`path-${column}`, "SELECT 'ID' AS state FROM range(2)")
    const values = await reading([file, 'bench_medicare_professional', column], allOf, { [column]: inPath })
    expect(values).toEqual([expected, expected])
  })

  it('holds nothing where its type is Null, a list of codes too', async () => {
    const file = join(folder, 'null.parquet')
    const script = `import pyarrow as pa, pyarrow.parquet as pq
pq.write_table(pa.table({'pos_set_id': ['a', 'b'], 'pos_members': pa.array([None, None], pa.null())}), ${JSON.stringify(file)})`
    await promisify(execFile)(PYTHON, ['-c', script])
    expect(await reading([file, 'dim_pos_set', 'pos_members'], allOf)).toEqual([null, null])
  })

  it('gives the same of each row where a value that is stored once is asked for once', async () => {
    const select = "SELECT CASE WHEN i % 3 < 2 THEN 'g' || (i % 3) END AS pg_uid FROM range(3000) t(i) ORDER BY i"
    const file = await written('each', select)
    let asked = 0
    const lengths = await reading([file, 'xref_pg_member_npi', 'pg_uid'], (values) => {
      const numbers = values.numbers((value) => {
        asked += 1
        return value === null ? 0 : String(value).length
      })
      return [...numbers]
    })
    expect(lengths).toEqual(Array.from({ length: 3000 }, (_, i) => (i % 3 < 2 ? 2 : 0)))
    expect(asked).toBeLessThan(20)
  })
})
