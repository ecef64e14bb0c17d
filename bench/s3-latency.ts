/**
 * What latency does to a run on S3: the real star into a folder, and into versitygw behind a line on which every answer
 * comes at once, then so many milliseconds later. Prints the phases of each run, the ratio of "write" to the folder's,
 * which must stay within 2, and what of it is latency: the same line with and without.
 *
 * `node scripts/run-typescript.mjs bench/s3-latency.ts [--delay-ms 50] [--rounds 1]`; needs a build, versitygw and a Python
 * with moto (`node scripts/setup.mjs`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findTemporalCli } from '../src/runtime/temporal/temporal-cli.js'
import { cpuSecondsOf } from '../test/check-star/etl3-process.js'
import { startS3Lake } from '../test/check-star/s3-lake.js'
import { startDelayingProxy } from './delaying-proxy.js'
import { type RunTimes, timeRun } from './etl3-run.js'
import { demoSubject, realSubject } from './subject.js'

const ROOT = resolve(import.meta.dirname, '..')
const SETTINGS = { workers: 1, memoryLimitMb: 512, chunkSize: 500 } as const

const { values } = parseArgs({
  options: {
    'delay-ms': { type: 'string', default: '50' },
    rounds: { type: 'string', default: '1' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'etl3-bench-'))
const { path: temporalCli } = await findTemporalCli()
const lake = await startS3Lake()
const delayMs = Number(values['delay-ms'])
const atOnce = await startDelayingProxy(lake.s3.endpoint, 0)
const late = await startDelayingProxy(lake.s3.endpoint, delayMs)
const installation = {
  cli: join(ROOT, 'dist', 'cli', 'main.js'),
  temporalCli,
  stateDir: join(folder, 'state'),
  env: lake.env,
}
try {
  const star = resolve(ROOT, process.env['ETL3_STAR'] ?? '../shared/data/star')
  const subject = realSubject(star) ?? (await demoSubject(folder))
  process.stdout.write(`${subject.title}\n`)
  for (let round = 1; round <= Number(values.rounds); round++) {
    const run = async (where: string, name: string, endpoint?: string): Promise<RunTimes> => {
      const place = { ...SETTINGS, installation, subject, folder: join(folder, `${name}-${round}`) }
      const times = await timeRun(endpoint === undefined ? place : { ...place, bucket: await lake.place(endpoint) })
      say(where, times)
      return times
    }
    const inFolder = await run('folder', 'folder')
    const onS3 = await run('S3, answers at once', 's3', atOnce.endpoint)
    const onLateS3 = await run(`S3, answers ${delayMs} ms later`, 's3-late', late.endpoint)
    for (const phase of ['write', 'publish']) {
      process.stdout.write(
        `${phase}: late S3 ÷ folder ${ratio(onLateS3, inFolder, phase)}, late S3 ÷ S3 ${ratio(onLateS3, onS3, phase)}\n`,
      )
    }
  }
} finally {
  await Promise.all([atOnce.stop(), late.stop()])
  process.stdout.write(`versitygw took ${cpuSecondsOf(lake.s3.pid ?? 0).toFixed(1)} s of CPU\n`)
  await lake.stop()
  // A worker that was given up may still be closing its files.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

function ratio(over: RunTimes, under: RunTimes, phase: string): string {
  return ((over.phases[phase] ?? Number.NaN) / (under.phases[phase] ?? Number.NaN)).toFixed(2)
}

function say(where: string, { runSeconds, phases, peakMb }: RunTimes): void {
  const each = Object.entries(phases).map(([phase, seconds]) => `${phase} ${seconds.toFixed(1)}`)
  process.stdout.write(`${where}: ${runSeconds.toFixed(1)} s, peak ${peakMb.toFixed(0)} MB: ${each.join(', ')}\n`)
}
