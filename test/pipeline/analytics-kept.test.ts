/** The audit of a file of the analytics table that holds changed partitions beside those that the other table keeps. */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AnalyticsUnit } from '../../src/records/analytics.js'
import { text } from '../oracle/sql.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { type InProcessRun, Lake } from './in-process-run.js'

const FACTS = Array.from({ length: 240 }, (_, i) => variedFact(i))

let root: string
let lake: Lake
let run: InProcessRun
let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-kept-'))
  lake = new Lake(join(root, 'lake'))
  const changed = FACTS.with(0, { ...variedFact(0), negotiated_rate: 7 })
  for (const [name, facts] of [
    ['before', FACTS],
    ['after', changed],
  ] as const) {
    await writeStar(join(root, name), severalFilesStar(facts))
    lake.configure({ star: join(root, name), analytics: { enabled: true } })
    run = await lake.open(name)
    if (name === 'before') await run.toEnd()
  }
  await run.until('auditAnalytics')
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
})
afterAll(() => {
  connection.closeSync()
  instance.closeSync()
  rmSync(root, { recursive: true, force: true })
})

// Only the first fact changed, and it is professional.
it.each(['professional', 'institutional'])('notices another rate among the %s ones', async (billingClass) => {
  const name = lake.recordPath(run.run.runId, 'analytics/0.json')
  const written = readFileSync(name, 'utf8')
  const record: AnalyticsUnit = JSON.parse(written)
  const [first, ...others] = record.files
  if (!first || others.length > 0) throw new Error(`${record.files.length} files were written anew`)
  const { path } = first.file
  const kept = join(root, 'kept.parquet')
  copyFileSync(path, kept)
  const source = `(SELECT *, row_number() OVER (PARTITION BY billing_class) AS place FROM read_parquet(${text(kept)}, hive_partitioning = false))`
  await connection.run(`COPY (SELECT * EXCLUDE place REPLACE (negotiated_rate + (place = 1 AND billing_class = ${text(billingClass)})::INTEGER / 100 AS negotiated_rate)
    FROM ${source}) TO ${text(path)} (FORMAT parquet)`)
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
  const told = { ...first, sha256, file: { ...first.file, bytes: statSync(path).size } }
  writeFileSync(name, JSON.stringify({ ...record, files: [told] }))
  await expect(run.audit(0)).rejects.toMatchObject({
    code: 'ETL3-AU-07',
    message: expect.stringContaining('1 files do not hold the rows'),
  })
  copyFileSync(kept, path)
  writeFileSync(name, written)
})

it('agrees with what was written, of both kinds', async () => {
  await run.audit(0)
})
