import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { courseOf } from '../../../src/activities/run-course.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { RunRecords } from '../../../src/records/records.js'
import { readWorkerRecords, WorkerRecorder } from '../../../src/records/worker.js'
import { MemorySampler } from '../../../src/runtime/worker/memory-sampler.js'

const MB = 1024 * 1024
const { signal } = new AbortController()

/** A worker whose memory and clock the test moves. */
class Worker {
  ms = 100_000
  resident = 100
  readonly sampler = new MemorySampler({
    probe: { residentBytes: () => this.resident * MB, highestBytes: () => this.resident * MB },
  })
  readonly recorder: WorkerRecorder

  constructor(limitMb = 256) {
    this.recorder = new WorkerRecorder(this.sampler, limitMb, () => this.ms)
  }

  lookAt(ms: number, resident: number): void {
    this.ms = ms
    this.resident = resident
    this.sampler.sample()
  }
}

function emptyRun(): RunRecords {
  return new RunRecords(new FolderStore(mkdtempSync(join(tmpdir(), 'etl3-worker-'))), 'r')
}

const INPUT = {
  startedAtMs: 100_000,
  seconds: { total: 3, open: 1, write: 2, report: 0 },
  memoryByPhase: { write: 222 },
}

describe('what workers note reaches the report through the store', () => {
  it('with memory over time, the start of phases, retries and failures', async () => {
    const records = emptyRun()
    const a = new Worker()
    a.recorder.begin(undefined, { activity: 'openRun', attempt: 1, phase: 'open' })
    a.lookAt(100_150, 120)
    a.recorder.begin('r', { activity: 'writePartitions', attempt: 1, phase: 'write' })
    a.lookAt(101_000, 222)
    a.recorder.failed({ activity: 'writePartitions', attempt: 1, phase: 'write' }, 'too much memory')
    await a.recorder.saveIfDue(records, 'write', signal)
    const b = new Worker(384)
    b.recorder.begin('r', { activity: 'writePartitions', attempt: 2, phase: 'write' })
    b.lookAt(102_000, 150)
    await b.recorder.saveIfDue(records, 'write', signal)

    const course = courseOf({
      input: INPUT,
      workers: await readWorkerRecords(records, signal),
      amounts: { write: { count: 9, unit: 'rows' } },
    })
    expect(course.phases).toEqual([
      { phase: 'open', startSeconds: 0, seconds: 1, peakMemoryMb: null, amount: null },
      { phase: 'write', startSeconds: 0, seconds: 2, peakMemoryMb: 222, amount: { count: 9, unit: 'rows' } },
    ])
    expect(course.memory.map((m) => Math.max(...m.peaksMb.map((mb) => mb ?? 0))).toSorted()).toEqual([150, 222])
    // One limit beside one peak: that of the larger worker, or a peak might stand above its limit.
    expect(course.workerLimitMb).toBe(384)
    expect(course.activities).toBe(3)
    expect(course.retries).toEqual([
      { atSeconds: 0, activity: 'writePartitions', attempt: 2, failure: null },
      { atSeconds: 1, activity: 'writePartitions', attempt: 1, failure: 'too much memory' },
    ])
  })

  it('is stored when the phase changes and every few seconds, not with each activity', async () => {
    const records = emptyRun()
    const worker = new Worker()
    const stored = async (): Promise<number> => (await readWorkerRecords(records, signal))[0]?.activities ?? 0
    for (const [ms, phase, due] of [
      [100_000, 'stage', 1],
      [101_000, 'stage', 1],
      [101_500, 'plan', 3],
      [103_000, 'plan', 3],
      [107_000, 'plan', 5],
    ] as const) {
      worker.lookAt(ms, 100)
      worker.recorder.begin('r', { activity: 'x', attempt: 1, phase })
      await worker.recorder.saveIfDue(records, phase, signal)
      expect(await stored()).toBe(due)
    }
  })

  it('of another run, or of an earlier execution of the same run, does not count', async () => {
    const worker = new Worker()
    worker.recorder.begin('earlier', { activity: 'x', attempt: 3, phase: 'write' })
    worker.lookAt(150_000, 250)
    worker.recorder.begin(undefined, { activity: 'openRun', attempt: 1, phase: 'open' })
    worker.recorder.begin('r', { activity: 'x', attempt: 1, phase: 'write' })
    worker.lookAt(151_000, 99)
    expect(worker.recorder.record()).toMatchObject({ activities: 2, retries: [] })
    const late = courseOf({
      input: { ...INPUT, startedAtMs: 150_500 },
      workers: [worker.recorder.record()],
      amounts: {},
    })
    expect(late.memory).toMatchObject([{ startSeconds: 0 }])
    expect(late.phases.map((p) => p.startSeconds)).toEqual([null, null])
  })
})
