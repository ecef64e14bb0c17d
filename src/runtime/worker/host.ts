/** Runs a Temporal worker in this process, within its memory. */
import { Runtime, Worker, type WorkerOptions } from '@temporalio/worker'
import type { Logger } from '../logging.js'
import { leave, present } from '../presence.js'
import { connectClient, type Endpoint } from '../temporal/connection.js'
import { stopPrivateServer } from '../temporal/private-server.js'
import { identityOfWorker } from '../worker-identity.js'
import { connectWorker } from './connection.js'
import { untilIdle } from './idle-watch.js'
import { describeBudget, type MemoryBudget, splitBudget } from './memory-budget.js'
import { MemoryGuard } from './memory-guard.js'
import { MemorySampler } from './memory-sampler.js'
import { gaugeMemory, metricsOptions } from './metrics.js'
import { SHUTDOWN_FORCE_MS, SHUTDOWN_GRACE_MS } from './process.js'
import type { WorkerSettings } from './settings.js'
import { giveSignsOfLife } from './sign-of-life.js'

/** What activities get from the worker that runs them. */
export interface WorkerResources {
  readonly log: Logger
  readonly budget: MemoryBudget
  readonly memory: MemoryGuard
  readonly sampler: MemorySampler
  /** Local folder for spill files and fetched objects. */
  readonly scratch: string
}

/** A worker and what it works with. */
export interface RunWorkerOptions {
  readonly settings: WorkerSettings
  readonly endpoint: Endpoint
  readonly log: Logger
  /** The bundle that the build made, or in tests a module to bundle at start. */
  readonly workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>
  readonly activities: (resources: WorkerResources) => object
}

/**
 * Works until it is told to end (SIGTERM, SIGINT), or until it is idle where the settings say so.
 * @throws ConfigError ETL3-ME-03 when its share of the memory can't work
 * @throws UnavailableError ETL3-TP-01 when the server does not answer
 */
export async function runWorker(options: RunWorkerOptions): Promise<void> {
  const { settings, endpoint, log, workflows, activities } = options
  const budget = splitBudget(settings.memoryLimitMb, settings.workers)
  const sampler = new MemorySampler()
  sampler.start()
  const memory = new MemoryGuard({ limitMb: budget.limitMb, sampler, log })
  // The Runtime brings its own handlers for these signals and shuts the worker down; there must be no others.
  Runtime.install({
    logger: log,
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...metricsOptions(settings.metrics ?? {}, settings.index ?? 0),
    },
    shutdownSignals: ['SIGINT', 'SIGTERM'],
  })
  const stopGauges = gaugeMemory(Runtime.instance().metricMeter, sampler, budget.limitMb)
  const connection = await connectWorker(endpoint, settings.connectTimeoutMs)
  try {
    const worker = await Worker.create({
      connection,
      namespace: endpoint.namespace,
      identity: identityOfWorker(process.pid),
      taskQueue: settings.taskQueue,
      ...workflows,
      activities: activities({
        log,
        budget,
        memory,
        sampler,
        scratch: settings.scratch,
      }),
      maxConcurrentActivityTaskExecutions: 1,
      maxConcurrentLocalActivityExecutions: 1,
      maxCachedWorkflows: 10,
      reuseV8Context: true,
      maxHeartbeatThrottleInterval: '1 s',
      // A workflow task that waits for a worker that was killed goes to another one after this; the default is 10 s.
      stickyQueueScheduleToStartTimeout: '5 s',
      shutdownGraceTime: SHUTDOWN_GRACE_MS,
      shutdownForceTime: SHUTDOWN_FORCE_MS,
    })
    log.info(`memory: ${describeBudget(budget)}`, { address: endpoint.address, taskQueue: settings.taskQueue })
    const ended = new AbortController()
    const watch = shutDownWhenIdle(worker, options, ended.signal)
    const endSigns = settings.idle ? giveSignsOfLife(settings.idle.folder) : () => {}
    await worker.run().finally(() => {
      ended.abort()
      endSigns()
    })
    await watch
  } finally {
    await connection.close()
    sampler.stop()
    stopGauges()
    log.info('worker ended', { peakMemoryMb: sampler.peaks().peakMb })
  }
  await leaveIdle(settings, log)
}

/** Has an idle worker shut itself down, where its settings say so. */
async function shutDownWhenIdle(
  worker: Worker,
  { settings, endpoint }: RunWorkerOptions,
  ended: AbortSignal,
): Promise<void> {
  const { idle } = settings
  if (!idle) return
  const client = await connectClient(endpoint, settings.connectTimeoutMs)
  try {
    await untilIdle({ client, taskQueue: settings.taskQueue, folder: idle.folder, afterMs: idle.afterMs }, ended)
  } finally {
    await client.connection.close()
  }
  if (ended.aborted) return
  // From here on a client that comes must not count on this worker.
  leave(idle.folder, 'worker', process.pid)
  if (worker.getState() === 'RUNNING') worker.shutdown()
}

/** The last one out turns off the private server; its history stays. */
async function leaveIdle(settings: WorkerSettings, log: Logger): Promise<void> {
  const { idle } = settings
  if (!idle) return
  leave(idle.folder, 'worker', process.pid)
  if (!idle.stopServer || present(idle.folder, 'client').length > 0 || present(idle.folder, 'worker').length > 0) return
  await stopPrivateServer(idle.folder, { wait: false })
  log.info('nobody is left: stopped the private Temporal server')
}
