/** The run that was begun last and not ended: what `etl3 resume` goes on with. */

import type { Config } from '../config/schema.js'
import type { ObjectStore } from '../lake/object-store.js'
import { RunLock } from '../lake/run-lock.js'
import { type CurrentRecord, readCurrent } from '../records/current.js'
import { RUN_RECORD, RUNS_PREFIX } from '../records/names.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord, type RunRecord } from '../records/run.js'

/** A run whose records say that it did not come to its end. */
export interface UnfinishedRun {
  readonly runId: string
  readonly startedAt: string
  /** The configuration that it was opened with. */
  readonly config: Config
  /** Units whose partitions are written. */
  readonly unitsWritten: number
  /** Whose worker holds its lock; undefined where nobody does, so that nobody can be at work on it. */
  readonly heldBy?: { readonly host: string; readonly pid: number } | undefined
}

/**
 * The newest run that would replace what the table shows now and has not done so. A plan or a validation that came to
 * its own end is none; a run that replaces an older table cannot be taken up any more.
 */
export async function findUnfinishedRun(
  metadata: ObjectStore,
  signal: AbortSignal,
): Promise<UnfinishedRun | undefined> {
  const current = await readCurrent(metadata, signal)
  let newest: UnfinishedRun | undefined
  for (const [runId, names] of await namesByRun(metadata, signal)) {
    if (runId === current?.runId || !names.has(RUN_RECORD)) continue
    const record = await new RunRecords(metadata, runId).find(RUN_RECORD, parseRunRecord, signal)
    if (!record || !replacesCurrent(record, current)) continue
    const unitsWritten = [...names].filter((name) => /^units\/\d+\.json$/.test(name)).length
    if (names.has('report.json') && unitsWritten === 0) continue
    const { startedAt, config } = record
    if (!newest || startedAt > newest.startedAt) newest = { runId, startedAt, config, unitsWritten }
  }
  return newest && { ...newest, heldBy: await holderOf(metadata, newest.runId, signal) }
}

async function holderOf(metadata: ObjectStore, runId: string, signal: AbortSignal): Promise<UnfinishedRun['heldBy']> {
  const holder = await new RunLock(metadata).holder(signal)
  return holder?.runId === runId ? { host: holder.host, pid: holder.pid } : undefined
}

/** Whether a run would replace what the table shows now; one that replaces an older table cannot be taken up any more. */
export function replacesCurrent({ replaces }: RunRecord, current: CurrentRecord | undefined): boolean {
  return (replaces ?? undefined) === current?.runId
}

/** Names of the records of each run, relative to the run. */
async function namesByRun(metadata: ObjectStore, signal: AbortSignal): Promise<Map<string, Set<string>>> {
  const byRun = new Map<string, Set<string>>()
  for await (const { key } of metadata.list(RUNS_PREFIX, signal)) {
    const [, runId = '', ...name] = key.split('/')
    const names = byRun.get(runId) ?? new Set()
    byRun.set(runId, names.add(name.join('/')))
  }
  return byRun
}
