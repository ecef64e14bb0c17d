/** Temporal's development server (server and Web UI in one process), with its history in a file. */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { closeSync, existsSync, fstatSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { z } from 'zod'
import { UnavailableError } from '../errors.js'
import { readFrom } from '../file-tail.js'
import { makeFolder } from '../make-folder.js'
import { plainText } from '../plain-text.js'
import { endProcess, identifyProcess, isAlive, type ProcessIdentity } from '../process-identity.js'
import { answers, type Endpoint, loadClient } from './connection.js'
import { SEARCH_ATTRIBUTE_TYPES } from './search-attribute-registry.js'

const HOST = '127.0.0.1'
const START_TIMEOUT_MS = 20_000
const LOOK_EVERY_MS = 10
const STOP_GRACE_MS = 10_000
const START_ATTEMPTS = 3

/** The history holds settings and is nobody else's business: the shell sets the umask and becomes the server. */
const UNSHARED = 'umask 077; exec "$@"'

/** How the reason begins where something else ended the process. */
const KILLED = 'it ended with SIG'

// Below 32768, where Linux begins to give out ports by itself (49152 elsewhere), and above what services are known for.
const FIRST_PORT = 20_000
const LAST_PORT = 32_000
const PORT_ATTEMPTS = 100

// Measured: the defaults poll the transfer queue 20 times a second at most, so that each activity in a
// row costs 100 ms; with these it is 15 to 25 ms.
const FAST_SERVER_FLAGS = [
  ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=1000'],
  ...['--sqlite-pragma', 'journal_mode=wal'],
  ...['--sqlite-pragma', 'synchronous=normal'],
]

// The server would ask the vendor's site for news of itself.
const QUIET_SERVER_FLAGS = ['--dynamic-config-value', 'frontend.enableServerVersionCheck=false']

const errorLine = z.object({ level: z.enum(['ERROR', 'FATAL']), msg: z.string(), error: z.string().optional() })

/** How to start a server. */
export interface DevServerOptions {
  /** Path of the Temporal CLI. */
  readonly cli: string
  /** SQLite file with the history. What is in it is served again. */
  readonly dbFilename: string
  /** 0 takes a free one. */
  readonly port: number
  /** 0 takes a free one. */
  readonly uiPort: number
  /** Gets what the server prints. */
  readonly logFile: string
  /** Created besides `default`. */
  readonly namespace: string
  /** Events after which the server suggests to continue as new; tests make it small. */
  readonly suggestContinueAsNewAfter?: number
}

/** A server that serves. It runs in a process group of its own and survives its parent. */
export interface DevServer {
  readonly process: ProcessIdentity
  readonly endpoint: Endpoint
  readonly port: number
  readonly uiPort: number
}

/**
 * Starts a server and waits till it serves. Where it may choose its ports, it tries others when one is taken meanwhile; a server that is
 * killed on its way is started again.
 * @throws UnavailableError ETL3-TP-04 when it ends or does not serve in time; the message has the reason from its log
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  for (const file of [options.dbFilename, options.logFile]) makeFolder(dirname(file), 0o700)
  const isFirst = !existsSync(options.dbFilename)
  for (let attempt = 1; ; attempt++) {
    const port = options.port || (await freePort())
    const uiPort = options.uiPort || (await freePort())
    const endpoint: Endpoint = { address: `${HOST}:${port}`, namespace: options.namespace, useProfile: false }
    const started = await tryStart(options, endpoint, port, uiPort)
    if (typeof started !== 'string') return { process: started, endpoint, port, uiPort }

    const mayChoose = options.port === 0 || options.uiPort === 0
    // A history whose making was cut off has half of its tables, and no server starts over it.
    if (isFirst) for (const end of ['', '-wal', '-shm']) rmSync(`${options.dbFilename}${end}`, { force: true })
    const passing = started.startsWith(KILLED) || (mayChoose && started.includes('address already in use'))
    if (passing && attempt < START_ATTEMPTS) continue
    throw new UnavailableError(
      'ETL3-TP-04',
      `the Temporal server did not start [address=${endpoint.address}, log=${options.logFile}]: ${started}`,
      { hint: 'Free the port or choose others; if the history file is damaged, move it away.' },
    )
  }
}

/** The process once it serves, or why it does not. */
async function tryStart(
  options: DevServerOptions,
  endpoint: Endpoint,
  port: number,
  uiPort: number,
): Promise<ProcessIdentity | string> {
  const log = openSync(options.logFile, 'a', 0o600)
  const { size: logStart } = fstatSync(log)
  const child = spawn('/bin/sh', ['-c', UNSHARED, 'sh', options.cli, ...serverArguments(options, port, uiPort)], {
    detached: true,
    stdio: ['ignore', log, log],
    env: environmentWithoutTemporal(),
  })
  closeSync(log)
  child.unref()
  const failed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`))
  })
  const server = child.pid === undefined ? undefined : identifyProcess(child.pid)
  const trouble = await Promise.race([failed, serves(endpoint, server)])
  if (trouble === undefined && server) return server
  if (server) await endProcess(server, 0)
  return [trouble ?? 'it ended at once', reasonIn(readFrom(options.logFile, logStart))].filter(Boolean).join('; ')
}

/** What a server's log says of its end: its first error, else its last line. */
function reasonIn(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  return plainText(lines.map(errorIn).find((error) => error !== undefined) ?? lines.at(-1) ?? '')
}

function errorIn(line: string): string | undefined {
  try {
    const { msg, error } = errorLine.parse(JSON.parse(line))
    return error === undefined ? msg : `${msg}: ${error}`
  } catch {
    return undefined
  }
}

/** Stops a server: it finishes what it writes, then ends. */
export async function stopDevServer(server: ProcessIdentity): Promise<void> {
  await endProcess(server, STOP_GRACE_MS)
}

/**
 * A port of this machine that nobody listens on, outside of the range from which systems take ports for outgoing
 * connections and for whoever asks for any: one of those would be taken by the server's own inner services now and then.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    if (await isFree(port)) return port
  }
  throw new UnavailableError(
    'ETL3-TP-08',
    `no free port was found between ${FIRST_PORT} and ${LAST_PORT} [host=${HOST}]`,
    {
      hint: 'Name free ports with --port and --ui-port.',
    },
  )
}

/** Whether a port can be listened on. */
export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, HOST, () => probe.close(() => resolve(true)))
  })
}

/** The Web UI's address. */
export function uiUrlOf(uiPort: number): string {
  return `http://${HOST}:${uiPort}`
}

function serverArguments(options: DevServerOptions, port: number, uiPort: number): string[] {
  const attributes = Object.entries(SEARCH_ATTRIBUTE_TYPES).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${type}`,
  ])
  const suggest = options.suggestContinueAsNewAfter
  return [
    ...['server', 'start-dev', '--ip', HOST, '--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', options.dbFilename, '--log-level', 'warn', '--log-format', 'json'],
    ...(options.namespace === 'default' ? [] : ['--namespace', options.namespace]),
    ...FAST_SERVER_FLAGS,
    ...QUIET_SERVER_FLAGS,
    ...attributes,
    ...(suggest === undefined ? [] : ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggest}`]),
  ]
}

// The binary is client and server in one: what is meant for the client must not reach the server.
function environmentWithoutTemporal(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')))
}

/** Answers undefined as soon as it serves, else what is wrong. */
async function serves(endpoint: Endpoint, server: ProcessIdentity | undefined): Promise<string | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS
  await loadClient()
  while (Date.now() < deadline) {
    if (!server || !isAlive(server)) return 'it ended at once'
    if (await answers(endpoint, 1_000)) return undefined
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  return `it does not serve after ${START_TIMEOUT_MS / 1000} s`
}
