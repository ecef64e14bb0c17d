import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tableColumns } from '../../src/iceberg/table-columns.js'
import type { AnalyticsUnit } from '../../src/records/analytics.js'
import { DICTIONARY } from '../../src/star/dictionary.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { type InProcessRun, Lake } from './in-process-run.js'

type Figures = AnalyticsUnit['files'][number]['file']['columns'][number]

let root: string
let run: InProcessRun
let record: string
let written: AnalyticsUnit

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-figures-'))
  await writeStar(join(root, 'star'), severalFilesStar(Array.from({ length: 48 }, (_, i) => variedFact(i))))
  const lake = new Lake(join(root, 'lake'))
  lake.configure({ star: join(root, 'star'), analytics: { enabled: true, target_file_rows: 12 } })
  run = await lake.open()
  await run.until('auditAnalytics')
  record = lake.recordPath(run.run.runId, 'analytics/0.json')
  written = JSON.parse(readFileSync(record, 'utf8'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Has the record say other figures of a column of its last file. */
function withFigures(name: string, change: (known: Figures) => Figures): void {
  const place = tableColumns(DICTIONARY).findIndex((column) => column.name === name)
  const files = written.files.map((known, i) => {
    const columns = known.file.columns.map((figures, c) =>
      c === place && i === written.files.length - 1 ? change(figures) : figures,
    )
    return { ...known, file: { ...known.file, columns } }
  })
  writeFileSync(record, JSON.stringify({ ...written, files }))
}

describe('the audit of the analytics table, before the figures of its files are what readers skip by', () => {
  it.each<[string, string, (known: Figures) => Figures]>([
    ['a text bound that is too tight', 'code', (known) => ({ ...known, upper: Buffer.from('A').toString('base64') })],
    ['a number bound that is too tight', 'negotiated_rate', (known) => ({ ...known, upper: lowerDouble(known.upper) })],
    ['a wrong count of NULLs', 'organization_name', (known) => ({ ...known, nulls: (known.nulls ?? 0) + 1 })],
    ['a wrong count of values', 'npi', (known) => ({ ...known, values: 1 })],
  ])('stops the run for %s', async (_, column, change) => {
    expect(written.files.length).toBeGreaterThan(3)
    withFigures(column, change)
    await expect(run.audit(0)).rejects.toMatchObject({
      code: 'ETL3-AU-07',
      message: expect.stringContaining(`of the column ${column} is not that of ${written.files.at(-1)?.file.path}`),
    })
  })

  it('passes what was written', async () => {
    writeFileSync(record, JSON.stringify(written))
    await run.audit(0)
  })
})

/** A number below the one of an upper bound. */
function lowerDouble(base64 = ''): string {
  const bytes = Buffer.from(base64, 'base64')
  bytes.writeDoubleLE(bytes.readDoubleLE() - 0.5)
  return bytes.toString('base64')
}
