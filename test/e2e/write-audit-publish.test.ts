import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ProcessIdentity, signalProcess } from '../../src/runtime/process-identity.js'
import { Home } from './support/home.js'
import { demoStar, type StarOnDisk, withChangedGroup, withoutNumbers } from './support/stars.js'

let star: StarOnDisk
let changed: StarOnDisk
let published: Home

beforeAll(async () => {
  star = await demoStar(400)
  changed = (await withChangedGroup(star)).star
  published = new Home(star.options)
  await published.start().result()
})

afterAll(async () => {
  await published[Symbol.asyncDispose]()
})

interface Written {
  readonly home: Home
  readonly worker: ProcessIdentity
  /** Folder of the run that is about to be audited. */
  readonly run: string
  readonly entries: readonly { ordinal: number; key: string; sha256: string; bytes: number; writtenRows: number }[]
}

function entriesOf(run: string): Written['entries'] {
  const record: { entries: Written['entries'] } = JSON.parse(readFileSync(join(run, 'units/0.json'), 'utf8'))
  return record.entries
}

async function untilWritten(home: Home): Promise<Written> {
  const worker = await home.untilStopped('activity:auditObjects:start')
  const id = home.runIds.find((name) => name !== home.currentRun)
  if (id === undefined) throw new Error('no run has begun')
  const run = join(home.metadata, 'runs', id)
  return { home, worker, run, entries: entriesOf(run) }
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at)
  writeFileSync(file, bytes)
}

type Tamper = (written: Written, entry: Written['entries'][number]) => void

const TAMPERINGS: readonly (readonly [string, string, Tamper])[] = [
  [
    'one byte of an object flipped after it was written',
    'ETL3-AU-02',
    ({ run }, { ordinal, bytes }) => flip(join(run, 'objects/0', `${ordinal}.parquet`), Math.floor(bytes / 2)),
  ],
  [
    'an object cut short after it was written',
    'ETL3-AU-02',
    ({ run }, { ordinal }) => writeFileSync(join(run, 'objects/0', `${ordinal}.parquet`), 'PAR1PAR1'),
  ],
  [
    'a ledger that has another count of rows than the plan',
    'ETL3-AU-01',
    ({ run, entries }, { ordinal }) => {
      const file = join(run, 'units/0.json')
      const record: object = JSON.parse(readFileSync(file, 'utf8'))
      const wrong = entries.map((e) => (e.ordinal === ordinal ? { ...e, writtenRows: e.writtenRows + 1 } : e))
      writeFileSync(file, JSON.stringify({ ...record, entries: wrong }))
    },
  ],
]

describe('bad data is never published', () => {
  for (const [what, code, tamper] of TAMPERINGS) {
    it.concurrent(`${what} fails the audit (exit 1), is named, and the table stays as it was`, async () => {
      await using home = published.copy(changed.options)
      const before = home.stamps
      const command = home.start({
        ETL3_FAILPOINT: 'activity:auditObjects:start',
        ETL3_FAILPOINT_SIGNAL: 'SIGSTOP',
      })
      const written = await untilWritten(home)
      const entry = written.entries.at(-1)
      if (!entry) throw new Error('nothing was written')
      tamper(written, entry)
      signalProcess(written.worker, 'SIGCONT')
      const failure = await command.failure(1)
      expect(failure).toMatchObject({ kind: 'IntegrityError', code })
      expect(failure.message.replaceAll("''", "'")).toContain(entry.key)
      expect(home.stamps).toEqual(before)
    })
  }

  it.concurrent('values that differ from the staged data fail the audit although size, SHA-256 and counts agree', async () => {
    await using home = published.copy(changed.options)
    const before = home.stamps
    const command = home.start({ ETL3_FAILPOINT: 'activity:auditObjects:start', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const { worker, run } = await untilWritten(home)
    // What a defect of the writer would leave: a consistent object with a wrong value. The staged rate is changed instead,
    // and what was joined beside the writing is forgotten.
    rmSync(join(run, 'staged/due'), { recursive: true })
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    const facts = join(run, 'staged/facts.parquet').replaceAll("'", "''")
    await connection.run(`CREATE TABLE f AS SELECT * FROM '${facts}' ORDER BY fact_row`)
    await connection.run('UPDATE f SET negotiated_rate = negotiated_rate + 0.01')
    await connection.run(`COPY (SELECT * FROM f ORDER BY fact_row) TO '${facts}' (FORMAT parquet)`)
    connection.closeSync()
    instance.closeSync()
    signalProcess(worker, 'SIGCONT')
    const failure = await command.failure(1)
    expect(failure).toMatchObject({ kind: 'IntegrityError', code: 'ETL3-AU-08' })
    expect(failure.message).toContain('fact_rate_enriched.parquet')
    expect(home.stamps).toEqual(before)
  })

  it.concurrent('rates that are not a number, where a rule keeps them, pass the audit of every row', async () => {
    const { options } = await withoutNumbers(star)
    await using home = new Home({
      ...options,
      processing: { audit: 'full' },
      data_quality: { rules: { rate_range: { severity: 'warn', on_violation: 'keep' } } },
    })
    const { facts, quarantined } = await home.start().result()
    expect(quarantined).toBe(0)
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    const kept = await connection.runAndReadAll(`SELECT count(DISTINCT fact_uid)::INTEGER AS facts,
        count(*) FILTER (isnan(medicare_state_rate))::INTEGER AS medicare,
        count(rate_to_medicare_ratio)::INTEGER AS ratios, count(is_above_medicare)::INTEGER AS above
      FROM read_parquet('${home.table}/**/*.parquet', hive_partitioning = false)
      WHERE isnan(negotiated_rate) OR isnan(medicare_state_rate)`)
    connection.closeSync()
    instance.closeSync()
    const [row] = kept.getRowObjectsJson()
    expect(row).toMatchObject({ ratios: 0, above: 0 })
    expect(Number(row?.['facts'])).toBeGreaterThan(facts / 20)
    expect(Number(row?.['medicare'])).toBeGreaterThan(0)
  })

  it.concurrent('a violated quality rule ends the run before anything is written (exit 3), and the lock is free', async () => {
    await using home = published.copy({
      ...changed.options,
      data_quality: { rules: { rate_range: { min: 100, max_share: 0.001 } } },
    })
    const before = home.stamps
    const { kind } = await home.start().failure(3)
    expect(kind).toBe('QualityError')
    expect(home.stamps).toEqual(before)
    home.configure(changed.options)
    expect((await home.start().result()).status).toBe('published')
  })

  it.concurrent('a worker that is killed as it closes a failed run leaves the same failure and a free lock', async () => {
    await using home = published.copy({
      ...changed.options,
      data_quality: { rules: { rate_range: { min: 100, max_share: 0.001 } } },
    })
    await home.start({ ETL3_FAILPOINT: 'activity:closeRun:start,activity:closeRun:end' }).failure(3)
    expect(home.struck('activity:closeRun:end')).toBe(true)
    home.configure(changed.options)
    expect((await home.start().result()).status).toBe('published')
  })

  it.concurrent('--validate-only and --dry-run write nothing outside of their run folder, also when their worker is killed', async () => {
    await using home = published.copy(changed.options)
    const before = home.stamps
    const place = 'activity:writeReport:end'
    const planned = await home.start({ ETL3_FAILPOINT: place }, ['run', '--dry-run']).result()
    expect(planned.status).toBe('planned')
    expect(home.struck(place)).toBe(true)
    expect((await home.start({}, ['run', '--validate-only']).result()).status).toBe('validated')
    expect(home.stamps).toEqual(before)
    expect((await home.start().result()).status).toBe('published')
  })
})
