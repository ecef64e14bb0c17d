/** ETL3 as a user runs it: the built command line, timed from outside. */
import { join } from 'node:path'
import {
  type BucketPlace,
  type Ended,
  type Installation,
  resultOf,
  runEtl3,
  writeConfig,
} from '../test/check-star/etl3-process.js'
import type { Subject } from './subject.js'

/** How to run it. */
export interface RunOptions {
  readonly installation: Installation
  readonly subject: Subject
  /** Folder of the output; what lies there is the table that the run finds. */
  readonly folder: string
  readonly workers: number
  /** Of all workers together. */
  readonly memoryLimitMb: number
  readonly chunkSize: number
  readonly partitionColumns?: readonly string[]
  /** Whether the run keeps the analytics table. Default: yes, as a user's does. */
  readonly analytics?: boolean
  /** Unset: table and records lie in the folder. */
  readonly bucket?: BucketPlace
}

/** What a run took. */
export interface RunTimes {
  readonly status: string
  readonly workflowId: string
  /** The whole command, with its server and its workers. */
  readonly commandSeconds: number
  /** The run alone, as the workflow's clock says. */
  readonly runSeconds: number
  readonly phases: Readonly<Record<string, number>>
  readonly rows: number
  readonly partitions: number
  /** Partitions that were added or replaced. */
  readonly written: number
  readonly bytes: number
  /** Of the analytics table, where the run keeps one. */
  readonly analyticsBytes: number
  /** All workers together, by the kernel's high-water marks. */
  readonly peakMb: number
  /** Processor time of all workers in each phase, to a tenth of a second. */
  readonly cpuSeconds: Readonly<Record<string, number>>
}

/** Runs the command once. @throws Error when it fails */
export async function timeRun(options: RunOptions): Promise<RunTimes> {
  const { installation, subject, workers } = options
  const config = writeConfig({ ...options, tables: subject.tables })
  const ended = await runEtl3(installation, ['run', '--config', config, '--max-workers', String(workers), '-o', 'json'])
  const result = resultOf(ended)
  if (ended.exitCode !== 0 || !result) throw new Error(`etl3 run ended with ${ended.exitCode}: ${ended.lastWords}`)
  const { total = 0, ...phases } = result.seconds
  return {
    status: result.status,
    workflowId: result.workflowId,
    commandSeconds: ended.seconds,
    runSeconds: total,
    phases,
    rows: result.rows,
    partitions: result.partitions.total,
    written: result.partitions.added + result.partitions.replaced,
    bytes: result.bytes,
    analyticsBytes: result.analytics?.committed?.bytes ?? 0,
    peakMb: ended.workerPeaksMb.slice(0, workers).reduce((sum, peak) => sum + peak, 0),
    cpuSeconds: cpuByPhase(ended, phases),
  }
}

/** The phases follow each other without a gap worth naming, and the result is printed when the last has ended. */
function cpuByPhase({ workerCpu, printedAtMs }: Ended, phases: RunTimes['phases']): RunTimes['cpuSeconds'] {
  let endMs = printedAtMs ?? Number.NaN
  const usedAt = (ms: number): number => workerCpu.findLast(({ atMs }) => atMs <= ms)?.seconds ?? 0
  const used: [string, number][] = []
  for (const [phase, seconds] of Object.entries(phases).toReversed()) {
    const startMs = endMs - seconds * 1000
    used.push([phase, usedAt(endMs) - usedAt(startMs)])
    endMs = startMs
  }
  return Object.fromEntries(used.toReversed())
}

/** Where the table of a run lies. */
export function tableOf(folder: string): string {
  return join(folder, 'table')
}
