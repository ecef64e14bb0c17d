import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { AnalyticsResult } from '../../../src/contract/messages.js'
import { commitTable } from '../../../src/iceberg/commit-table.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { readingLines } from '../../../src/report/analytics-section.js'
import { installIceberg, PYTHON, runProgram } from '../iceberg/duckdb-iceberg.js'
import { row, run, tableIn, writeRows } from '../iceberg/small-table.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

it("the report's lines on how to read the analytics table do so as they are printed", async () => {
  const table = tableIn(new FolderStore(join(lakeFolder(), `o'hare "x"`, 'analytics')))
  const rows = ['a', 'b'].map((text) => row({ payer: 'acme', month: '01', text }))
  await commitTable(table, run(1, [await writeRows(table, 'one', rows)]), GO_ON)
  const result: AnalyticsResult = {
    table: 'lake.rates',
    uri: table.store.uri,
    inGlue: false,
    files: 1,
    rows: 2,
    added: 1,
    addedRows: 2,
  }
  const lines = new Map(readingLines(result))

  const home = lakeFolder()
  installIceberg({ home })
  const ask = `LOAD iceberg; SELECT count(*) AS rows FROM (${lines.get('DuckDB')})`
  expect(JSON.parse(runProgram('duckdb', ['-json', '-c', ask], { home }))).toEqual([{ rows: 2 }])
  const [imported, scan] = (lines.get('Python') ?? '').split('; ')
  expect(runProgram(PYTHON, ['-c', `${imported}; print(${scan}.num_rows)`], { home }).trim()).toBe('2')
})
