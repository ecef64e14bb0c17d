/** The built command line as a user runs it: a process, its result on stdout, its worker's memory seen from outside. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RunResult } from '../../src/contract/messages.js'

const LOOK_EVERY_MS = 100
const TIMEOUT_MS = 10 * 60 * 1000

/** The installation and the folder that belongs to this check. */
export interface Installation {
  /** Path of dist/cli/main.js. */
  readonly cli: string
  readonly temporalCli: string
  /** State folder of this check alone: its servers and workers are found here and nowhere else. */
  readonly stateDir: string
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** A configuration of one table. */
export interface TableConfig {
  /** Folder of the output, the metadata, the scratch files and the log. */
  readonly folder: string
  readonly tables: Readonly<Record<string, string>>
  readonly chunkSize: number
  readonly memoryLimitMb: number
  /** Default: the nine of the design. */
  readonly partitionColumns?: readonly string[]
  /** Unset: table and records lie in the folder. */
  readonly bucket?: BucketPlace
  /** Whether the run keeps the analytics table. Default: yes, as a user's does. */
  readonly analytics?: boolean
}

/** A table in a bucket, with a Glue that nobody answers for as Athena. */
export interface BucketPlace {
  readonly bucket: string
  readonly endpoint: string
  readonly database: string
}

/** How a command ended. */
export interface Ended {
  readonly exitCode: number
  readonly seconds: number
  readonly stdout: string
  /** The last lines of stderr. */
  readonly lastWords: string
  /** Peak resident memory of each worker process, largest first, as the kernel saw it; empty where it does not tell. */
  readonly workerPeaksMb: readonly number[]
  /** Processor time of all workers together, as the kernel counts it, look by look. */
  readonly workerCpu: readonly CpuLook[]
  /** When the command printed its result (as `performance.now()`); undefined when it printed none. */
  readonly printedAtMs: number | undefined
  readonly killed: boolean
}

/** Processor time that was used until an instant. */
export interface CpuLook {
  /** As `performance.now()`. */
  readonly atMs: number
  readonly seconds: number
}

/** Writes the configuration file; returns its path. The table's root is `<folder>/table`, or `table` in the bucket. */
export function writeConfig(options: TableConfig): string {
  const { folder, tables, chunkSize, memoryLimitMb, partitionColumns, bucket, analytics = true } = options
  const place = bucket === undefined ? folder : `s3://${bucket.bucket}`
  const file = join(folder, 'etl3.yaml')
  mkdirSync(dirname(file), { recursive: true })
  const config = {
    input: { tables },
    output: { uri: `${place}/table`, metadata_uri: `${place}/etl3`, analytics: { enabled: analytics } },
    processing: { chunk_size: chunkSize, memory_limit_mb: memoryLimitMb, scratch: join(folder, 'scratch') },
    ...(partitionColumns === undefined ? {} : { partitioning: { partition_columns: partitionColumns } }),
    ...(bucket === undefined
      ? {}
      : { s3: { endpoint: bucket.endpoint }, athena: { database: bucket.database, count_rows: false } }),
    logging: { file: join(folder, 'etl3.log') },
    // A queue of its own: workers that somebody else runs on the same server take none of this work.
    temporal: { task_queue: `check-star-${process.pid}` },
  }
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config, undefined, 2))
  return file
}

/** Runs a command to its end. `killWorkerWhen` is asked again and again; once it says yes, the workers get SIGKILL. */
export async function runEtl3(
  installation: Installation,
  args: readonly string[],
  killWorkerWhen?: () => boolean,
): Promise<Ended> {
  const began = performance.now()
  const child = spawn(process.execPath, [installation.cli, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...installation.env,
      TEMPORAL_CLI: installation.temporalCli,
      ETL3_STATE_DIR: installation.stateDir,
      NO_COLOR: '1',
    },
  })
  let stdout = ''
  let stderr = ''
  let printedAtMs: number | undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printedAtMs ??= performance.now()
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-4_000)
  })
  const peaks = new Map<number, number>()
  const cpu = new Map<number, number>()
  const workerCpu: CpuLook[] = []
  let killed = false
  const watch = setInterval(() => {
    for (const pid of workerPids(installation.stateDir)) {
      const peak = peakMbOf(pid)
      if (peak !== undefined) peaks.set(pid, Math.max(peak, peaks.get(pid) ?? 0))
      cpu.set(pid, Math.max(cpuSecondsOf(pid), cpu.get(pid) ?? 0))
      if (!killed && killWorkerWhen?.() === true) {
        process.kill(pid, 'SIGKILL')
        killed = true
      }
    }
    workerCpu.push({ atMs: performance.now(), seconds: [...cpu.values()].reduce((sum, seconds) => sum + seconds, 0) })
  }, LOOK_EVERY_MS)
  const timeout = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 128))
  })
  clearInterval(watch)
  clearTimeout(timeout)
  return {
    exitCode,
    seconds: (performance.now() - began) / 1000,
    stdout,
    lastWords: stderr.trim().split('\n').slice(-6).join('\n'),
    workerPeaksMb: [...peaks.values()].sort((a, b) => b - a),
    workerCpu,
    printedAtMs,
    killed,
  }
}

/** The result of `run -o json`, or undefined when the command printed none. */
export function resultOf({ stdout }: Ended): RunResult | undefined {
  try {
    const value: RunResult = JSON.parse(stdout)
    return value
  } catch {
    return undefined
  }
}

/** The one number that a query answers. */
export async function queryNumber(
  installation: Installation,
  config: string,
  sql: string,
): Promise<number | undefined> {
  const ended = await runEtl3(installation, ['query', '--config', config, '--output', 'json', sql])
  if (ended.exitCode !== 0) return undefined
  const answer: { rows: Record<string, unknown>[] } = JSON.parse(ended.stdout)
  const [value] = Object.values(answer.rows[0] ?? {})
  return value === undefined ? undefined : Number(value)
}

/** Workers that run under this state folder: each notes itself there as `worker-<pid>.json`. */
function workerPids(stateDir: string): number[] {
  try {
    return readdirSync(join(stateDir, 'state'), { recursive: true, encoding: 'utf8' }).flatMap((path) => {
      const pid = /(?:^|[\\/])worker-(\d+)\.json$/.exec(path)?.[1]
      return pid === undefined ? [] : [Number(pid)]
    })
  } catch {
    return []
  }
}

/** The kernel's own high-water mark: it misses no peak between two looks. */
function peakMbOf(pid: number): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024
  } catch {
    return undefined
  }
}

/** User and system time of a process of Linux and of its children that ended; 0 where the kernel does not tell. */
export function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    // Fields 14 to 17 of proc(5): utime, stime, cutime, cstime, in ticks of 10 ms.
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
  } catch {
    return 0
  }
}
