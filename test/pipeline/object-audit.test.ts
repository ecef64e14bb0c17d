/**
 * The audit of what was handed to the encoder: a difference in any column of the staged star between the writing and the
 * audit stands for a writer that took another value.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ColumnType } from '../../src/parquet/factorised.js'
import { type Axis, DICTIONARY } from '../../src/star/dictionary.js'
import { quoted, text } from '../oracle/sql.js'
import { severalFilesStar } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { type InProcessRun, Lake } from './in-process-run.js'

/** Files in which the columns of an axis are staged; `ratio` and `above` are computed. */
const STAGED: Partial<Record<Axis, string>> = {
  attr: 'attrs',
  code: 'codes',
  group: 'groups',
  npi: 'npis',
  benchmark: 'benchmarks',
  fact: 'facts',
  rate: 'facts',
}

/** What is changed in a unit's record. */
interface Ledger {
  readonly entries: {
    readonly ordinal: number
    readonly key: string
    readonly fingerprint: string
    bytes: number
    sha256: string
    checksum: string
  }[]
}

let root: string
let lake: Lake
let run: InProcessRun
let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-object-audit-'))
  await writeStar(join(root, 'star'), severalFilesStar())
  lake = new Lake(join(root, 'lake'))
  lake.configure({ star: join(root, 'star'), analytics: { enabled: false }, processing: { row_group_rows: 7 } })
  run = await lake.open()
  await run.until('auditObjects')
  for (const name of new Set(Object.values(STAGED))) copyFileSync(staged(name), kept(name))
  copyFileSync(ledger(), kept('ledger'))
  copyFileSync(due(), kept('due'))
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
})
beforeEach(() => {
  // Else the audit compares with what was joined beside the writing, before a test changed it.
  rmSync(due(), { force: true })
})
afterEach(() => {
  for (const name of new Set(Object.values(STAGED))) copyFileSync(kept(name), staged(name))
  copyFileSync(kept('ledger'), ledger())
  rmSync(lake.recordPath(run.run.runId, 'audited/0.json'), { force: true })
})
afterAll(() => {
  connection.closeSync()
  instance.closeSync()
  rmSync(root, { recursive: true, force: true })
})

function staged(name: string): string {
  return join(lake.metadata, 'runs', run.run.runId, 'staged', `${name}.parquet`)
}

function kept(name: string): string {
  return join(root, name)
}

function ledger(): string {
  return lake.recordPath(run.run.runId, 'units/0.json')
}

/** Gives one column of one staged file another value in its first row that has one, or in its first row. */
async function change(name: string, column: string, value: string): Promise<void> {
  const source = `(SELECT *, row_number() OVER () AS place FROM read_parquet(${text(kept(name))}))`
  const first = `(SELECT coalesce(min(place) FILTER (${column} IS NOT NULL), 1) FROM ${source})`
  await connection.run(`COPY (SELECT * EXCLUDE place REPLACE (CASE WHEN place = ${first} THEN ${value} ELSE ${column} END AS ${column})
    FROM ${source} ORDER BY place) TO ${text(staged(name))} (FORMAT parquet)`)
}

function otherValue(column: string, type: ColumnType): string {
  switch (type) {
    case 'list':
      return "['other', NULL]"
    case 'boolean':
      return `NOT ${column}`
    case 'string':
      // The year is a number to those who look for the benchmark.
      return "'2031'"
    default:
      return '0.125'
  }
}

function due(): string {
  return lake.recordPath(run.run.runId, 'staged/due/0.json')
}

describe('the audit of the objects', () => {
  it('agrees with a join of the staged star about each value of each row', async () => {
    await run.auditObjects(0)
  })

  it('compares with what was joined beside the writing, and joins again where that differs', async () => {
    copyFileSync(kept('due'), due())
    const { ino, mtimeMs } = statSync(due())
    await run.auditObjects(0)
    expect(statSync(due())).toMatchObject({ ino, mtimeMs })
    const joined = readFileSync(due(), 'utf8')
    writeFileSync(due(), joined.replace(/"checksum": "\d/, '"checksum": "9'))
    rmSync(lake.recordPath(run.run.runId, 'audited/0.json'))
    await run.auditObjects(0)
    // What the writer's join had said, from the audit's own.
    expect(readFileSync(due(), 'utf8')).toBe(joined)
  })

  it.each(
    DICTIONARY.flatMap(({ name, type, axis }) => {
      const file = STAGED[axis]
      const column = quoted(name)
      return file === undefined ? [] : [{ name, file, column, value: otherValue(column, type) }]
    }),
  )('notices another value of $name, in one entry of $file', async ({ file, column, value }) => {
    await change(file, column, value)
    await expect(run.auditObjects(0)).rejects.toMatchObject({
      code: 'ETL3-AU-08',
      message: expect.stringContaining('payer_slug='),
    })
  })

  it('notices rates that the writer compared with Medicare, and should not have', async () => {
    await change('attrs', 'is_dollar', 'NOT is_dollar')
    await expect(run.auditObjects(0)).rejects.toMatchObject({ code: 'ETL3-AU-08' })
  })

  it('notices a provider in the place of another one of the same group', async () => {
    copyFileSync(staged('members'), kept('members'))
    const members = `read_parquet(${text(kept('members'))})`
    try {
      await connection.run(`COPY (SELECT * REPLACE (CASE WHEN group_id = 0 AND npi_id = 0 THEN 1 ELSE npi_id END AS npi_id)
        FROM ${members}) TO ${text(staged('members'))} (FORMAT parquet)`)
      await expect(run.auditObjects(0)).rejects.toMatchObject({ code: 'ETL3-AU-08' })
    } finally {
      copyFileSync(kept('members'), staged('members'))
    }
  })

  it('notices an object of other values than those that were handed to the encoder, where it is read again', async () => {
    const record: Ledger = JSON.parse(readFileSync(ledger(), 'utf8'))
    const [first] = record.entries
    if (!first) throw new Error('the unit has no partition')
    const object = lake.recordPath(run.run.runId, `objects/0/${first.ordinal}.parquet`)
    copyFileSync(object, kept('object'))
    try {
      await connection.run(`COPY (SELECT * REPLACE (negotiated_rate + 1 AS negotiated_rate) FROM read_parquet(${text(kept('object'))}))
        TO ${text(object)} (FORMAT parquet, KV_METADATA {'etl3.fingerprint': ${text(first.fingerprint)}})`)
      const bytes = readFileSync(object)
      first.bytes = bytes.length
      first.sha256 = createHash('sha256').update(bytes).digest('hex')
      writeFileSync(ledger(), JSON.stringify(record))
      await expect(run.auditObjects(0)).rejects.toMatchObject({
        code: 'ETL3-AU-04',
        message: expect.stringContaining('in 1 partitions'),
      })
    } finally {
      copyFileSync(kept('object'), object)
    }
  })

  it('names the partition whose checksum is another one, and no other', async () => {
    const record: Ledger = JSON.parse(readFileSync(ledger(), 'utf8'))
    const [, second] = record.entries
    if (!second) throw new Error('the unit has one partition')
    second.checksum = String(BigInt(second.checksum) + 1n)
    writeFileSync(ledger(), JSON.stringify(record))
    await expect(run.auditObjects(0)).rejects.toMatchObject({
      code: 'ETL3-AU-08',
      message: expect.stringContaining(`in 1 partitions: '${second.key.replaceAll("'", "''")}'`),
    })
  })
})
