/**
 * The server that ETL3 starts for one workflow id where none is configured: its record and its history lie in the
 * workflow's state folder, so that whoever comes next finds it, and a killed one comes back with its open workflows.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConflictError } from '../errors.js'
import { withFileLock } from '../file-lock.js'
import { isAlive, type ProcessIdentity, signalProcess } from '../process-identity.js'
import { answers, type Endpoint } from './connection.js'
import { type DevServerOptions, isFree, startDevServer, stopDevServer, uiUrlOf } from './dev-server.js'

const LOCK_TIMEOUT_MS = 60_000
// Of a server whose process lives: on a busy machine it may take long, and ending it ends nothing well.
const ANSWER_TIMEOUT_MS = 30_000

const recordSchema = z.object({
  process: z.object({ pid: z.int(), began: z.string() }),
  port: z.int(),
  uiPort: z.int(),
  namespace: z.string(),
  started: z.string(),
  /** Set once it was told to end; it takes a second to go. */
  ending: z.boolean().optional(),
})

/** What `server.json` holds. */
type ServerRecord = z.infer<typeof recordSchema>

/** A private server that serves. */
export interface PrivateServer {
  readonly process: ProcessIdentity
  readonly endpoint: Endpoint
  readonly uiUrl: string
  /** Whether this call started it; else it was there already. */
  readonly started: boolean
}

/** How to open the private server of a state folder. */
export interface PrivateServerOptions {
  readonly folder: string
  readonly namespace: string
  /** Finds the Temporal CLI; asked only when a server has to be started. */
  readonly cli: () => Promise<string>
  /** Ports for a server that has to be started. Default: those that it had before if they are free, else free ones. */
  readonly port?: number
  readonly uiPort?: number
  /** Default: the folder's own. */
  readonly historyFile?: string
  readonly suggestContinueAsNewAfter?: number
}

/** SQLite file with the history of a state folder. */
export function historyFile(folder: string): string {
  return join(folder, 'temporal.db')
}

/**
 * The private server of a folder: the one that runs, or a new one over the same history.
 * A record whose process is gone is replaced; a process that does not answer is ended first.
 * @throws UnavailableError ETL3-TP-03 and ETL3-TP-04 when there is no CLI, or the server does not start
 * @throws ConflictError ETL3-TP-07 when a port that was asked for is taken
 */
export async function openPrivateServer(options: PrivateServerOptions): Promise<PrivateServer> {
  return await withFileLock(lockFile(options.folder), LOCK_TIMEOUT_MS, async () => {
    const record = readRecord(options.folder)
    if (record && isAlive(record.process)) {
      const endpoint = endpointOf(record)
      if (!record.ending && (await answers(endpoint, ANSWER_TIMEOUT_MS))) {
        return { process: record.process, endpoint, uiUrl: uiUrlOf(record.uiPort), started: false }
      }
      // Two servers on one history would damage it.
      await stopDevServer(record.process)
    }
    const server = await startDevServer(await startOptions(options, record))
    writeRecord(options.folder, {
      process: server.process,
      port: server.port,
      uiPort: server.uiPort,
      namespace: options.namespace,
      started: new Date().toISOString(),
    })
    return { process: server.process, endpoint: server.endpoint, uiUrl: uiUrlOf(server.uiPort), started: true }
  })
}

/** How a private server is stopped. */
export interface StopPrivateServerOptions {
  /** Whether to return only when it is gone. It takes a second; without, whoever opens the next one waits for it. */
  readonly wait: boolean
  /** Asked at the last moment, when nobody can open the server: `true` leaves it alone. */
  readonly unless?: () => boolean
}

/** Stops the private server of a folder if there is one. Its history stays. @returns whether it was told to end */
export async function stopPrivateServer(folder: string, { wait, unless }: StopPrivateServerOptions): Promise<boolean> {
  return await withFileLock(lockFile(folder), LOCK_TIMEOUT_MS, async () => {
    if (unless?.()) return false
    const record = readRecord(folder)
    if (record && isAlive(record.process)) {
      if (!wait) {
        writeRecord(folder, { ...record, ending: true })
        signalProcess(record.process, 'SIGTERM')
        return true
      }
      await stopDevServer(record.process)
    }
    rmSync(recordFile(folder), { force: true })
    return record !== undefined
  })
}

/** The private server of a folder if its process lives; it may be on its way up or down. */
export function runningPrivateServer(folder: string): Omit<PrivateServer, 'started'> | undefined {
  const record = readRecord(folder)
  if (!record || record.ending || !isAlive(record.process)) return undefined
  return { process: record.process, endpoint: endpointOf(record), uiUrl: uiUrlOf(record.uiPort) }
}

async function startOptions(options: PrivateServerOptions, last: ServerRecord | undefined): Promise<DevServerOptions> {
  // The same ports again, so that workers and browsers that knew the killed server find the new one.
  const again = async (port: number | undefined): Promise<number> => (port && (await isFree(port)) ? port : 0)
  for (const port of [options.port, options.uiPort]) {
    if (!port || (await isFree(port))) continue
    throw new ConflictError('ETL3-TP-07', `another program listens on port ${port} [host=127.0.0.1]`, {
      hint: 'Stop it, or choose other ports with --port and --ui-port.',
    })
  }
  return {
    cli: await options.cli(),
    dbFilename: options.historyFile ?? historyFile(options.folder),
    port: options.port ?? (await again(last?.port)),
    uiPort: options.uiPort ?? (await again(last?.uiPort)),
    logFile: join(options.folder, 'server.log'),
    namespace: options.namespace,
    ...(options.suggestContinueAsNewAfter === undefined
      ? {}
      : { suggestContinueAsNewAfter: options.suggestContinueAsNewAfter }),
  }
}

function endpointOf(record: ServerRecord): Endpoint {
  return { address: `127.0.0.1:${record.port}`, namespace: record.namespace, useProfile: false }
}

function lockFile(folder: string): string {
  return join(folder, 'server.lock')
}

function recordFile(folder: string): string {
  return join(folder, 'server.json')
}

function readRecord(folder: string): ServerRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(recordFile(folder), 'utf8')))
  } catch {
    return undefined
  }
}

function writeRecord(folder: string, record: ServerRecord): void {
  const unfinished = `${recordFile(folder)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify(record, null, 2)}\n`)
  renameSync(unfinished, recordFile(folder))
}
