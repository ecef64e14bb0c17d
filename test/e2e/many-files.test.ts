import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client, WorkflowHandle } from '@temporalio/client'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.js'
import type { OpenedRun, Planned, StageFactsInput } from '../../src/contract/activities.js'
import { type Progress, progressQuery, type RunResult } from '../../src/contract/messages.js'
import { s3SettingsOf } from '../../src/lake/s3/settings.js'
import { SILENT_LOGGER } from '../../src/runtime/logging.js'
import { connectClient } from '../../src/runtime/temporal/connection.js'
import { type DevServer, startDevServer, stopDevServer } from '../../src/runtime/temporal/dev-server.js'
import { findTemporalCli } from '../../src/runtime/temporal/temporal-cli.js'
import { builtWorkflowBundle } from '../../src/runtime/temporal/workflow-bundle.js'
import { batchBounds, batchSizes } from '../../src/star/fact-batches.js'

/** Far below the 51,200 at which a server ends a run. */
const SUGGESTED_EVENTS = 200
const TASK_QUEUE = 'many-files'
const MEASURED = { peakMemoryMb: 1, phaseMemoryMb: 1, workerLimitMb: 448 }
const RECORD = { record: { uri: '/record', sha256: '', bytes: 1 }, ...MEASURED }

Runtime.install({ logger: SILENT_LOGGER, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } })

let root: string
let server: DevServer
let client: Client

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-many-files-'))
  const { path: cli } = await findTemporalCli()
  server = await startDevServer({
    cli,
    dbFilename: join(root, 'server.db'),
    port: 0,
    uiPort: 0,
    logFile: join(root, 'server.log'),
    namespace: 'default',
    suggestContinueAsNewAfter: SUGGESTED_EVENTS,
  })
  client = await connectClient(server.endpoint, 10_000)
})
afterAll(async () => {
  await client.connection.close()
  await stopDevServer(server.process)
  rmSync(root, { recursive: true, force: true })
})

/** How a run went whose activities do nothing but answer. */
interface Staging {
  /** What stageFacts was asked for, in its order. */
  readonly asked: unknown[]
  readonly dimensions: number
  /** Events of each execution, oldest first. */
  readonly events: number[]
  readonly inputBytes: number[]
  /** What the step said of itself after each batch. */
  readonly details: string[]
  /** What the progress called the limit of the worker then. */
  readonly limits: number[]
  /** The files that the progress counts, at each batch. */
  readonly stagedFiles: Progress['files'][]
  /** What the run tells the time of. */
  readonly timed: string[]
}

/** Stages files of so many bytes in batches as openRun makes them, or as a version did that had none. */
async function staged(
  workflowId: string,
  files: readonly { readonly bytes: number }[],
  batchMb?: number,
): Promise<Staging> {
  const sizes = batchMb === undefined ? undefined : batchSizes(files, batchBounds(batchMb))
  const asked: StageFactsInput[] = []
  const details: string[] = []
  const limits: number[] = []
  const stagedFiles: Progress['files'][] = []
  let dimensions = 0
  let look: (() => Promise<void>) | undefined
  const opened: OpenedRun = {
    run: {
      runId: 'a1b2c3d4e5f60718',
      workflowId,
      metadataUri: join(root, 'etl3'),
      s3: s3SettingsOf(configSchema.parse({ input: { root } })),
      mode: 'plan',
      lockNumber: 1,
      lockOwner: 'test',
      lockLeaseMs: 60_000,
    },
    unchanged: undefined,
    maxWorkers: 1,
    heartbeatTimeoutMs: 60_000,
    table: 'lake.rates',
    searchAttributes: false,
    factFiles: files.length,
    inputBytes: 1,
    ...(sizes ? { factBatches: sizes.length } : {}),
    ...MEASURED,
  }
  const planned: Planned = {
    ...RECORD,
    units: 0,
    rows: 0,
    rowsToWrite: 0,
    partitions: { total: 0, added: 0, replaced: 0, kept: 0, removed: 0 },
  }
  const result: RunResult = {
    formatVersion: 1,
    runId: opened.run.runId,
    workflowId,
    status: 'planned',
    facts: 1,
    quarantined: 0,
    rows: 0,
    partitions: planned.partitions,
    bytes: 0,
    peakMemoryMb: 1,
    memoryLimitMb: 512,
    seconds: {},
    warnings: 0,
    outputUri: '/table',
    table: 'lake.rates',
    catalogUri: '/catalog',
    reportUri: '/report',
    receiptUri: '/receipt',
  }
  const connection = await NativeConnection.connect({ address: server.endpoint.address })
  const worker = await Worker.create({
    connection,
    taskQueue: TASK_QUEUE,
    workflowBundle: builtWorkflowBundle(),
    activities: {
      openRun: () => opened,
      validateInputs: () => ({ ...RECORD, facts: 1, warnings: 0 }),
      stageDimensions: () => {
        dimensions += 1
        return { ...RECORD, rows: 1 }
      },
      stageFacts: async (input: StageFactsInput) => {
        await look?.()
        asked.push(input)
        // A larger worker than the one that opened the run.
        return { ...RECORD, workerLimitMb: 640, rows: 1, files: 'batch' in input ? sizes?.[input.batch] : 1 }
      },
      joinFacts: () => ({ ...RECORD, rows: 1 }),
      screenFacts: () => ({ ...RECORD, facts: 1, quarantined: 0, warnings: 0 }),
      planPartitions: () => planned,
      writeReport: () => result,
      closeRun: () => undefined,
    },
  })
  const handle = await client.workflow.start('etl3', { workflowId, taskQueue: TASK_QUEUE, args: [{ mode: 'plan' }] })
  if (files.length < 100) {
    look = async () => {
      const { phases, memoryLimitMb, files } = await handle.query<Progress>(progressQuery)
      limits.push(memoryLimitMb)
      stagedFiles.push(files)
      details.push(phases.find(({ phase }) => phase === 'stage')?.detail ?? '')
    }
  }
  const told: RunResult = await worker.runUntil(handle.result())
  await connection.close()
  const histories = await executionsOf(handle)
  return {
    asked: asked.map(({ run: _, ...which }) => which),
    dimensions,
    events: histories.map(({ events }) => events),
    inputBytes: histories.flatMap(({ inputBytes }) => inputBytes),
    details,
    limits,
    stagedFiles,
    timed: Object.keys(told.seconds),
  }
}

async function executionsOf(handle: WorkflowHandle): Promise<{ events: number; inputBytes: number[] }[]> {
  const runs: { readonly runId: string; readonly began: number }[] = []
  for await (const { runId, startTime } of client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` })) {
    runs.push({ runId, began: startTime.getTime() })
  }
  return await Promise.all(
    runs
      .sort((a, b) => a.began - b.began)
      .map(async ({ runId }) => {
        const { events } = await client.workflow.getHandle(handle.workflowId, runId).fetchHistory()
        const inputs = (events ?? []).flatMap((e) => e.activityTaskScheduledEventAttributes?.input?.payloads ?? [])
        return { events: events?.length ?? 0, inputBytes: inputs.map(({ data }) => data?.byteLength ?? 0) }
      }),
  )
}

function filesOf(count: number, bytes: number): { readonly bytes: number }[] {
  return Array.from({ length: count }, () => ({ bytes }))
}

describe('the history of a run over very many fact files', { timeout: 60_000 }, () => {
  it('stays as short as that of a few files where the files are small', async () => {
    const { asked, events, inputBytes } = await staged('small', filesOf(20_000, 14_000), 64)
    expect(asked).toEqual([{ batch: 0 }, { batch: 1 }])
    expect(events).toHaveLength(1)
    expect(Math.max(...events)).toBeLessThan(SUGGESTED_EVENTS)
    expect(Math.max(...inputBytes)).toBeLessThan(1_024)
  })

  it('begins anew between two batches where there are many, and no batch is staged twice or left out', async () => {
    const { asked, events, dimensions } = await staged('large', filesOf(150, 100_000_000), 64)
    expect(asked).toEqual(Array.from({ length: 150 }, (_, batch) => ({ batch })))
    expect(dimensions).toBe(1)
    expect(events.length).toBeGreaterThan(3)
    expect(Math.max(...events)).toBeLessThan(2 * SUGGESTED_EVENTS)
  })

  it('says which files are staged', async () => {
    const { details, limits, stagedFiles, timed } = await staged(
      'told',
      [...filesOf(3, 1_000), ...filesOf(2, 70_000_000)],
      64,
    )
    expect(details).toEqual(['', 'files 1–3 of 5 staged', 'files 1–4 of 5 staged'])
    // The limit is what workers say, not what the configuration of the run does; the largest, as the peak is.
    expect(limits).toEqual([448, 640, 640])
    expect(stagedFiles).toEqual([0, 3, 4].map((done) => ({ done, total: 5 })))
    expect(timed).toEqual(['total', 'open', 'validate', 'stage', 'screen', 'plan', 'report'])
  })

  it('goes on file by file where a version without batches had opened the run', async () => {
    const { asked, events } = await staged('older', filesOf(3, 1_000))
    expect(asked).toEqual([{ file: 0 }, { file: 1 }, { file: 2 }])
    expect(events).toHaveLength(1)
  })
})
