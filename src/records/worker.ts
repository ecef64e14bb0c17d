/**
 * `workers/<id>.json`: what one worker process did in a run: its memory over time, when it entered each phase, which
 * attempts were not the first or failed. It reaches the report through the store, never through Temporal.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { MemoryCurve } from '../runtime/worker/memory-curve.js'
import type { MemorySampler } from '../runtime/worker/memory-sampler.js'
import type { RunRecords } from './records.js'

const workerRecordSchema = z.object({
  formatVersion: z.literal(1),
  worker: z.string(),
  /** Memory of this process may reach so much, in MB. */
  limitMb: z.number(),
  memory: z.object({ startMs: z.number(), stepMs: z.number(), peaksMb: z.array(z.number().nullable()).readonly() }),
  /** When the process came into another phase; milliseconds since the epoch. */
  phases: z.array(z.object({ atMs: z.number(), phase: z.string() })).readonly(),
  activities: z.number().int(),
  retries: z
    .array(
      z.object({ atMs: z.number(), activity: z.string(), attempt: z.number().int(), failure: z.string().nullable() }),
    )
    .readonly(),
})

/** What one worker process did in a run. */
export type WorkerRecord = z.output<typeof workerRecordSchema>

/** An attempt at an activity. */
export interface Attempt {
  readonly activity: string
  readonly attempt: number
  readonly phase: string
}

/** A worker that is killed loses no more of its curve than this. */
const SAVE_INTERVAL_MS = 5_000

/** Bounds of the record; a run that is in such trouble has a log. */
const MOST_RETRIES = 50
const MOST_PHASES = 100
const MOST_FAILURE_CHARACTERS = 300

/** Folder of these records, relative to the run. */
const FOLDER = 'workers'

/** Keeps the record of this process, for one run at a time. */
export class WorkerRecorder {
  readonly #worker = randomUUID().slice(0, 8)
  readonly #limitMb: number
  readonly #now: () => number
  #runId: string | undefined
  #curve: MemoryCurve
  #phases: { atMs: number; phase: string }[] = []
  #retries: { atMs: number; activity: string; attempt: number; failure: string | null }[] = []
  #activities = 0
  #savedMs = Number.NEGATIVE_INFINITY
  #savedPhase: string | undefined

  /** @param now milliseconds since the epoch */
  constructor(sampler: MemorySampler, limitMb: number, now: () => number = Date.now) {
    this.#limitMb = limitMb
    this.#now = now
    this.#curve = new MemoryCurve(now())
    sampler.onSample((_, peakMb) => this.#curve.add(this.#now(), peakMb))
  }

  /** An attempt begins. @param runId undefined while the run is being opened: then a new record begins */
  begin(runId: string | undefined, { activity, attempt, phase }: Attempt): void {
    if (runId === undefined) this.#restart()
    else if (runId !== this.#runId) {
      if (this.#runId !== undefined) this.#restart()
      this.#runId = runId
    }
    const atMs = this.#now()
    this.#activities += 1
    if (this.#phases.at(-1)?.phase !== phase && this.#phases.length < MOST_PHASES) this.#phases.push({ atMs, phase })
    if (attempt > 1) this.#note({ atMs, activity, attempt, failure: null })
  }

  /** An attempt failed. */
  failed({ activity, attempt }: Attempt, failure: string): void {
    this.#note({ atMs: this.#now(), activity, attempt, failure: failure.slice(0, MOST_FAILURE_CHARACTERS) })
  }

  /** Stores the record if the phase is another one than at the last time, or that was a while ago. */
  async saveIfDue(records: RunRecords, phase: string, signal: AbortSignal): Promise<void> {
    if (phase === this.#savedPhase && this.#now() - this.#savedMs < SAVE_INTERVAL_MS) return
    await this.save(records, signal)
    this.#savedPhase = phase
  }

  /** Stores the record. */
  async save(records: RunRecords, signal: AbortSignal): Promise<void> {
    this.#savedMs = this.#now()
    await records.store.put(
      records.key(`${FOLDER}/${this.#worker}.json`),
      Buffer.from(`${JSON.stringify(this.record())}\n`, 'utf8'),
      signal,
    )
  }

  /** The record as it stands. */
  record(): WorkerRecord {
    return {
      formatVersion: 1,
      worker: this.#worker,
      limitMb: this.#limitMb,
      memory: this.#curve.record(),
      phases: this.#phases,
      activities: this.#activities,
      retries: this.#retries,
    }
  }

  #note(retry: { atMs: number; activity: string; attempt: number; failure: string | null }): void {
    if (this.#retries.length < MOST_RETRIES) this.#retries.push(retry)
  }

  #restart(): void {
    this.#runId = undefined
    this.#curve = new MemoryCurve(this.#now())
    this.#phases = []
    this.#retries = []
    this.#activities = 0
    this.#savedMs = Number.NEGATIVE_INFINITY
    this.#savedPhase = undefined
  }
}

/** The records of all processes that worked on a run, by name. */
export async function readWorkerRecords(records: RunRecords, signal: AbortSignal): Promise<WorkerRecord[]> {
  const names: string[] = []
  const prefix = records.key(`${FOLDER}/`)
  for await (const { key } of records.store.list(prefix, signal)) names.push(key.slice(prefix.length))
  const found: WorkerRecord[] = []
  for (const name of names.toSorted()) {
    const record = await records.find(`${FOLDER}/${name}`, (value) => workerRecordSchema.parse(value), signal)
    if (record) found.push(record)
  }
  return found
}
