/**
 * What a run costs for each fact, row, partition and file: runs of stars of several sizes, shapes and layouts, into a folder and
 * into versitygw with one to three workers, and a model fitted to them. docs/scale.md says what follows from it.
 *
 * `node scripts/run-typescript.mjs bench/scale.ts [--facts 100000,400000,1600000] [--bucket-facts 500,1000,2000]`; needs a build,
 * versitygw and a Python with moto (`node scripts/setup.mjs`). Processor time is what counts: it hardly changes on a machine that
 * has other work.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findTemporalCli } from '../src/runtime/temporal/temporal-cli.js'
import { type CountingLake, countingLake } from '../test/aws/support/counting-lake.js'
import { FaultProxy } from '../test/aws/support/fault-proxy.js'
import { makeBucket } from '../test/aws/support/servers.js'
import type { BucketPlace, Installation } from '../test/check-star/etl3-process.js'
import { DEFAULT_OPTIONS } from '../test/oracle/oracle-table.js'
import { type RunOptions, type RunTimes, timeRun } from './etl3-run.js'
import { fitCost, type Observation } from './fit.js'
import { largeSubject, type Subject } from './subject.js'
import { firstHistory } from './temporal-share.js'

const ROOT = resolve(import.meta.dirname, '..')
const LIMIT_MB = 512
/** Most members of a group; the mean is about a third of it. */
const MEMBERS = [4, 20]
const KEYS = [3, 9]
const WORKERS = [1, 2, 3]

/** The phases that are spread over workers; the others run on one of them. */
const SPREAD = new Set(['write', 'audit', 'publish'])

/** One run, and what it was asked to do. */
interface Measured {
  readonly facts: number
  readonly workers: number
  readonly run: RunTimes
  /** Of the run's first history. */
  readonly events: number
  /** Requests to S3 and to Glue, by what they ask for; none where the table lies in a folder. */
  readonly requests: Readonly<Record<string, number>>
}

const { values } = parseArgs({
  options: {
    facts: { type: 'string', default: '100000,400000,1600000' },
    'bucket-facts': { type: 'string', default: '500,1000,2000' },
  },
})
const [sizes, bucketSizes] = [values.facts, values['bucket-facts']].map((list) =>
  list.split(',').map(Number).filter(Boolean),
)
const folder = mkdtempSync(join(tmpdir(), 'etl3-scale-'))
try {
  const { path: temporalCli } = await findTemporalCli()
  const installation = { cli: join(ROOT, 'dist', 'cli', 'main.js'), temporalCli, stateDir: join(folder, 'state') }
  const inFolder = await runsInFolder(installation)
  sayFits(inFolder)
  sayRequests(await runsInBucket(installation))
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

async function runsInFolder(installation: Installation): Promise<readonly Measured[]> {
  const measured: Measured[] = []
  for (const facts of sizes ?? []) {
    for (const maxMembers of MEMBERS) {
      const subject = await largeSubject(folder, facts, maxMembers)
      for (const keys of KEYS) measured.push(await measure(facts, settings(installation, subject, { keys })))
    }
  }
  return measured
}

/** Each of the workers has as much memory as the only one has. */
async function runsInBucket(installation: Installation): Promise<readonly Measured[]> {
  await using lake = await countingLake()
  const measured: Measured[] = []
  for (const facts of bucketSizes ?? []) {
    const subject = await largeSubject(folder, facts, MEMBERS.at(-1))
    for (const workers of facts === bucketSizes?.at(-1) ? WORKERS : [1]) {
      measured.push(await inBucket(lake, facts, settings(installation, subject, { workers })))
    }
  }
  return measured
}

async function inBucket(lake: CountingLake, facts: number, options: RunOptions): Promise<Measured> {
  const s3 = await FaultProxy.start(lake.s3.endpoint)
  lake.front.calls.length = 0
  try {
    const name = await makeBucket(lake.s3.endpoint)
    const bucket: BucketPlace = { bucket: name, endpoint: s3.endpoint, database: name.replaceAll('-', '_') }
    const measured = await measure(facts, { ...options, bucket })
    const asked = [...s3.seen.map(askedOfS3), ...lake.front.calls.map(({ operation }) => `Glue ${operation}`)]
    const requests: Record<string, number> = {}
    for (const what of asked) requests[what] = (requests[what] ?? 0) + 1
    return { ...measured, requests }
  } finally {
    await s3.stop()
  }
}

function askedOfS3({ method, url, headers }: FaultProxy['seen'][number]): string {
  if (headers['x-amz-copy-source'] !== undefined) return 'S3 COPY'
  if (method === 'GET' && /\?(?:.*&)?list-type=2/.test(url)) return 'S3 LIST'
  return `S3 ${method}`
}

function settings(
  installation: Installation,
  subject: Subject,
  {
    keys = DEFAULT_OPTIONS.partitionColumns.length,
    workers = 1,
  }: { readonly keys?: number; readonly workers?: number },
): RunOptions {
  return {
    installation,
    subject,
    folder: mkdtempSync(join(folder, 'run-')),
    workers,
    memoryLimitMb: LIMIT_MB * workers,
    chunkSize: 500,
    partitionColumns: DEFAULT_OPTIONS.partitionColumns.slice(0, keys),
  }
}

async function measure(facts: number, options: RunOptions): Promise<Measured> {
  const run = await timeRun(options)
  const events = (await firstHistory(options.installation, run.workflowId)).length
  const measured = { facts, workers: options.workers, run, events, requests: {} }
  sayRun(measured)
  return measured
}

function sayRun({ facts, workers, run, events }: Measured): void {
  const { rows, partitions, runSeconds, peakMb, bytes, analyticsBytes, cpuSeconds } = run
  say(
    `${text(facts)} facts, ${text(rows)} rows, ${text(partitions)} partitions, ${workers} workers: ${runSeconds.toFixed(1)} s, ` +
      `peak ${peakMb.toFixed(0)} MB, ${text(bytes)} bytes and ${text(analyticsBytes)} of the analytics table, ${events} events, ` +
      `processor ${JSON.stringify(cpuSeconds, (_, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(2)) : value))}`,
  )
}

/** What the model foresees: processor time of the steps on one worker, of the steps on all of them, and bytes. */
function sayFits(measured: readonly Measured[]): void {
  const costs: Readonly<Record<string, (run: RunTimes) => number>> = {
    'seconds on one worker': ({ cpuSeconds }) => sumOf(cpuSeconds, (phase) => !SPREAD.has(phase)),
    'seconds spread': ({ cpuSeconds }) => sumOf(cpuSeconds, (phase) => SPREAD.has(phase)),
    'bytes of the partitions': ({ bytes }) => bytes,
    'bytes of the analytics table': ({ analyticsBytes }) => analyticsBytes,
  }
  for (const [what, costOf] of Object.entries(costs)) {
    const { each, leftOut } = fitCost(measured.map((one) => observation(one, costOf(one.run))))
    const errors = leftOut.toSorted((a, b) => a - b)
    const median = errors[Math.floor(errors.length / 2)] ?? Number.NaN
    say(
      `${what}: ${Object.entries(each)
        .map(([name, cost]) => `${name} ${cost.toPrecision(3)}`)
        .join(
          ', ',
        )}; error of a run that was left out: median ${percent(median)}, most ${percent(errors.at(-1) ?? Number.NaN)}`,
    )
  }
}

function observation({ facts, run }: Measured, cost: number): Observation {
  return { of: { run: 1, fact: facts, row: run.rows, partition: run.partitions }, cost }
}

function sumOf(seconds: Readonly<Record<string, number>>, isMeant: (phase: string) => boolean): number {
  return Object.entries(seconds).reduce((sum, [phase, spent]) => sum + (isMeant(phase) ? spent : 0), 0)
}

function sayRequests(measured: readonly Measured[]): void {
  for (const { facts, workers, run, requests } of measured) {
    const asked = Object.entries(requests).toSorted(([, a], [, b]) => b - a)
    say(
      `${text(facts)} facts, ${text(run.partitions)} partitions, ${workers} workers: ${asked.map(([what, times]) => `${what} ${text(times)}`).join(', ')}`,
    )
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function text(value: number): string {
  return value.toLocaleString('en')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
