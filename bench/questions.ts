/**
 * What the analytics table costs, and what it saves: the real star with and without it, in pairs, and six typical
 * questions beside DuckDB over the same rows in one sorted file. Each is asked through the engine of `etl3 query` beside a
 * DuckDB that is opened for the question as well, and of the catalog's view beside the file, both in sessions that are
 * there. Ratios are those of neighbors in time. Then the whole command: how long, and how much memory.
 *
 * `node scripts/run-typescript.mjs bench/questions.ts [--rounds 3]`; needs a build (`npm run build`).
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { loadConfig, queryCatalog } from '../src/index.js'
import { findTemporalCli } from '../src/runtime/temporal/temporal-cli.js'
import { type RunTimes, tableOf, timeRun } from './etl3-run.js'
import { measured } from './figures.js'
import { type CommandCost, queryCommand } from './query-command.js'
import { demoSubject, realSubject } from './subject.js'

const ROOT = resolve(import.meta.dirname, '..')
const SETTINGS = { workers: 1, memoryLimitMb: 512, chunkSize: 500 } as const
const TABLE = 'fact_rate_enriched'
const QUERY_MB = 256
const ASKED_PER_ROUND = 10
const WAYS = ['own', 'ownFile', 'there', 'thereFile'] as const

/** What each asks; the name of the table stands for either. */
const QUESTIONS: Readonly<Record<string, string>> = {
  'rows by payer': `SELECT payer_slug, count(*) FROM ${TABLE} GROUP BY ALL`,
  'mean rate of one code by state': `SELECT state, avg(negotiated_rate) FROM ${TABLE} WHERE code = '99213' GROUP BY ALL`,
  'one state, one code, one payer': `SELECT npi, negotiated_rate FROM ${TABLE}
    WHERE state = 'TX' AND code = '99213' AND payer_slug = 'evry-health'`,
  'quantiles of all rates by class': `SELECT procedure_class, quantile_cont(negotiated_rate, [0.1, 0.5, 0.9]) FROM ${TABLE} GROUP BY ALL`,
  'one NPI': `SELECT code, negotiated_rate FROM ${TABLE} WHERE npi = '1497019863'`,
  'organizations with the most rows': `SELECT organization_name, count(*) AS rows FROM ${TABLE} GROUP BY ALL ORDER BY rows DESC LIMIT 10`,
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } })
const rounds = Number(values.rounds)
const folder = mkdtempSync(join(tmpdir(), 'etl3-bench-'))
try {
  const star = resolve(ROOT, process.env['ETL3_STAR'] ?? '../shared/data/star')
  const subject = realSubject(star) ?? (await demoSubject(folder))
  const { path: temporalCli } = await findTemporalCli()
  const cli = join(ROOT, 'dist', 'cli', 'main.js')
  const installation = { cli, temporalCli, stateDir: join(folder, 'state'), env: {} }
  say(subject.title)
  const time: number[] = []
  let asked = ''
  for (let round = 1; round <= rounds; round++) {
    const run = async (analytics: boolean): Promise<RunTimes> => {
      const place = join(folder, `${analytics ? 'both' : 'one'}-${round}`)
      if (analytics) asked = place
      return await timeRun({ ...SETTINGS, installation, subject, folder: place, analytics })
    }
    const one = await run(false)
    const both = await run(true)
    time.push(both.runSeconds / one.runSeconds)
    say(
      `round ${round}: ${one.runSeconds.toFixed(1)} s without, ${both.runSeconds.toFixed(1)} s with the analytics table ` +
        `(${phases(one)}; ${phases(both)}), peak ${one.peakMb.toFixed(0)} and ${both.peakMb.toFixed(0)} MB, ` +
        `bytes ${(both.analyticsBytes / both.bytes).toFixed(3)} of the partitions'`,
    )
  }
  const { median, min, max } = measured(time)
  say(`run with ÷ without: ${median.toFixed(2)} (${min.toFixed(2)} – ${max.toFixed(2)})`)
  await askQuestions(asked, join(folder, 'one.parquet'))
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

function phases({ phases: { write = 0, audit = 0, publish = 0 } }: RunTimes): string {
  return `write ${write.toFixed(1)}, audit ${audit.toFixed(1)}, publish ${publish.toFixed(1)}`
}

/** Each question by turns; the first round only fills the cache of the disk. */
async function askQuestions(place: string, sorted: string): Promise<void> {
  const memory = await openDuckDb(':memory:')
  const file = await memory.connect()
  await file.run(`COPY (SELECT * FROM read_parquet('${tableOf(place)}/**/*.parquet', hive_partitioning = false)
    ORDER BY payer_slug, year, month, code, npi) TO '${sorted}' (FORMAT parquet)`)
  // Opened once more by the engine, in this process: DuckDB lets one instance at a time have a file.
  const copied = `${sorted}.catalog`
  copyFileSync(join(place, 'etl3', 'catalog.duckdb'), copied)
  const published = await openDuckDb(copied)
  const catalog = await published.connect()
  const { config } = loadConfig({ file: join(place, 'etl3.yaml'), env: {} })
  const times = new Map<string, QuestionTimes>()
  for (let round = 0; round <= ASKED_PER_ROUND * rounds; round++) {
    for (const [name, sql] of Object.entries(QUESTIONS)) {
      const of = times.get(name) ?? { own: [], ownFile: [], there: [], thereFile: [] }
      times.set(name, of)
      const signal = new AbortController().signal
      const ofFile = sql.replaceAll(TABLE, `read_parquet('${sorted}')`)
      const taken = {
        own: await seconds(() => queryCatalog({ config, sql, signal, memoryLimitMb: QUERY_MB })),
        ownFile: await seconds(() => askInOwnSession(ofFile)),
        there: await seconds(() => catalog.runAndReadAll(sql)),
        thereFile: await seconds(() => file.runAndReadAll(ofFile)),
      }
      if (round > 0) for (const way of WAYS) of[way].push(taken[way])
    }
  }
  for (const [name, { own, ownFile, there, thereFile }] of times) {
    say(
      `${name}: in sessions of their own ${beside(own, ownFile)}; in sessions that are there ${beside(there, thereFile)}`,
    )
  }
  for (const connection of [catalog, file]) connection.closeSync()
  for (const instance of [published, memory]) instance.closeSync()
  await askByCommand(join(place, 'etl3.yaml'))
}

/** Seconds of each time that a question was asked. */
type QuestionTimes = Record<(typeof WAYS)[number], number[]>

function beside(these: readonly number[], those: readonly number[]): string {
  const { median, min, max } = measured(these.map((value, i) => value / (those[i] ?? Number.NaN)))
  const ms = (values: readonly number[]): string => (1000 * measured(values).median).toFixed(1)
  return `${ms(these)} ms beside ${ms(those)} ms, ratio ${median.toFixed(2)} (${min.toFixed(2)} – ${max.toFixed(2)})`
}

async function askByCommand(config: string): Promise<void> {
  for (const [name, sql] of Object.entries({ 'select 1': 'select 1', ...QUESTIONS })) {
    const asked: CommandCost[] = []
    for (let round = 0; round <= rounds; round++) {
      asked.push(await queryCommand(join(ROOT, 'dist', 'cli', 'main.js'), config, sql))
    }
    const took = measured(asked.slice(1).map((cost) => cost.seconds))
    const peak = Math.max(...asked.map(({ peakMb }) => peakMb))
    say(`etl3 query, ${name}: ${took.median.toFixed(2)} s as a whole command, peak ${peak.toFixed(0)} MB`)
  }
}

async function openDuckDb(path: string): Promise<DuckDBInstance> {
  const access = path === ':memory:' ? {} : { access_mode: 'READ_ONLY' }
  const settings = { threads: '2', memory_limit: '2GiB', temp_directory: folder, ...access }
  return await DuckDBInstance.create(path, settings)
}

async function askInOwnSession(sql: string): Promise<void> {
  const instance = await openDuckDb(':memory:')
  const connection = await instance.connect()
  await connection.runAndReadAll(sql)
  connection.closeSync()
  instance.closeSync()
}

async function seconds(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return (performance.now() - began) / 1000
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
