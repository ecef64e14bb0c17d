/**
 * What latency does to a run on S3: the real star into a folder, and into versitygw behind a line on which every answer
 * comes so many milliseconds later. Prints the phases of each run and the ratio of "write", which must stay within 2.
 *
 * `node scripts/run-typescript.mjs bench/s3-latency.ts [--delay-ms 50] [--rounds 1] [--only s3]`; needs a build, versitygw and a
 * Python with moto (`node scripts/setup.mjs`).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findTemporalCli } from '../src/runtime/temporal-cli.js'
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
    only: { type: 'string' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'etl3-bench-'))
const { path: temporalCli } = await findTemporalCli()
const lake = await startS3Lake()
const proxy = await startDelayingProxy(lake.s3.endpoint, Number(values['delay-ms']))
const installation = {
  cli: join(ROOT, 'dist', 'cli', 'main.js'),
  temporalCli,
  stateDir: join(folder, 'state'),
  env: lake.env,
}
try {
  const star = resolve(ROOT, process.env['ETL3_STAR'] ?? '../shared/data/star')
  const subject = realSubject(star) ?? (await demoSubject(folder))
  process.stdout.write(`${subject.title}, every answer of S3 ${values['delay-ms']} ms later\n`)
  for (let round = 1; round <= Number(values.rounds); round++) {
    const place = { ...SETTINGS, installation, subject, folder: join(folder, `folder-${round}`) }
    const inFolder = values.only === 's3' ? undefined : await timeRun(place)
    if (inFolder) say('folder', inFolder)
    const bucket = await lake.place(proxy.endpoint)
    const onS3 = await timeRun({ ...place, folder: join(folder, `s3-${round}`), bucket })
    say('S3', onS3)
    if (inFolder) {
      for (const phase of ['write', 'publish']) {
        const ratio = (onS3.phases[phase] ?? Number.NaN) / (inFolder.phases[phase] ?? Number.NaN)
        process.stdout.write(`${phase}: S3 ÷ folder ${ratio.toFixed(2)}\n`)
      }
    }
  }
} finally {
  await proxy.stop()
  process.stdout.write(`versitygw took ${cpuSecondsOf(lake.s3.pid)} s of CPU\n`)
  await lake.stop()
  // A worker that was given up may still be closing its files.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

function say(where: string, { runSeconds, phases, peakMb }: RunTimes): void {
  const each = Object.entries(phases).map(([phase, seconds]) => `${phase} ${seconds.toFixed(1)}`)
  process.stdout.write(`${where}: ${runSeconds.toFixed(1)} s, peak ${peakMb.toFixed(0)} MB: ${each.join(', ')}\n`)
}

/** Of a process of Linux: user and system time, in ticks of 10 ms. */
function cpuSecondsOf(pid: number | undefined): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return ((Number(fields[11]) + Number(fields[12])) / 100).toFixed(1)
  } catch {
    return '?'
  }
}
