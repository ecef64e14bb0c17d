/**
 * Workers that were there before a command: which ones they are, and whether they may have its run. A run that is given
 * to another ETL3 is done by other code than the one that was called.
 */
import type { Client } from '@temporalio/client'
import { ConflictError } from '../errors.js'
import type { Logger } from '../logging.js'
import { type Present, present } from '../presence.js'
import { endProcess } from '../process-identity.js'
import { livePollers } from '../temporal/pollers.js'
import { describeWorker, isOfThisBuild, isOfThisVersion, readWorkerIdentity } from '../worker-identity.js'
import { countOpen } from './idle-watch.js'
import { SHUTDOWN_FORCE_MS } from './process.js'

/** What is needed to look at the workers of a task queue. */
export interface FoundWorkersOptions {
  readonly client: Client
  readonly taskQueue: string
  /** State folder in which clients and workers are noted. */
  readonly folder: string
  /** Whether the server was configured: then its workers are whatever its operator has there. */
  readonly configured: boolean
  /** Whether the task queue was configured: then others may share it, and only workers of the state folder are ours alone. */
  readonly sharedQueue: boolean
  readonly log: Logger
  /** Gets a line for each worker that the runs of this command will go to. */
  readonly onNotice: (line: string) => void
}

/**
 * Says who works on the task queue. An idle worker of another installation that nobody uses any more is ended.
 * @throws ConflictError ETL3-TP-10 when a worker of another installation is there that somebody else started and keeps
 */
export async function meetWorkers(options: FoundWorkersOptions): Promise<void> {
  const { log, onNotice, configured, sharedQueue } = options
  const found = await workersOf(options)
  const mayBeOther = (worker: FoundWorker): boolean => configured || (sharedQueue && !worker.process)
  const others = found.filter((worker) => !mayBeOther(worker) && !isOurs(worker.identity))
  if (others.length > 0 && (await countOpen(options)) === 0) {
    await endIdle(others, options)
    return
  }
  for (const worker of found) {
    const { identity } = worker
    onNotice(`Found a worker: ${describeWorker(identity)}`)
    if (mayBeOther(worker) ? isOfOtherVersion(identity) : !isOurs(identity)) {
      log.warn(`a run goes to a worker of another ETL3 than this command: ${describeWorker(identity)}`)
    }
  }
}

interface FoundWorker {
  readonly identity: string
  /** The process, where it was noted in the state folder. */
  readonly process: Present | undefined
}

async function workersOf({ client, taskQueue, folder }: FoundWorkersOptions): Promise<FoundWorker[]> {
  const noted = present(folder, 'worker')
  if (noted.length > 0) {
    return noted.map((process) => ({ identity: process.says ?? `process ${process.pid}`, process }))
  }
  return (await livePollers(client, taskQueue)).map((identity) => ({ identity, process: undefined }))
}

async function endIdle(workers: readonly FoundWorker[], { folder, log }: FoundWorkersOptions): Promise<void> {
  const clients = present(folder, 'client').filter(({ pid }) => pid !== process.pid)
  for (const { identity, process: worker } of workers) {
    if (clients.length > 0 || !worker) {
      throw new ConflictError(
        'ETL3-TP-10',
        `a worker of another ETL3 waits for the runs of this table [worker=${describeWorker(identity)}]`,
        { hint: 'Stop it where it was started (`etl3 dev`, `etl3 worker`), or call the command of that installation.' },
      )
    }
    log.info(`ended an idle worker of another ETL3: ${describeWorker(identity)}`)
    await endProcess(worker, SHUTDOWN_FORCE_MS)
  }
}

function isOurs(identity: string): boolean {
  const worker = readWorkerIdentity(identity)
  return worker !== undefined && isOfThisBuild(worker)
}

/** Whether a worker says that it is of another version. One of another program, such as an own worker, says nothing. */
function isOfOtherVersion(identity: string): boolean {
  const worker = readWorkerIdentity(identity)
  return worker?.build !== undefined && !isOfThisVersion(worker)
}
