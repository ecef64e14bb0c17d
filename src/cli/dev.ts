/** `etl3 dev`: Temporal server, Web UI and worker in the foreground. */
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { workflowIdOf } from '../runtime/temporal/workflow-id.js'
import { stayInForeground } from './foreground.js'
import type { CliCall, CliShell } from './shell.js'

const DEFAULT_PORT = 7233
const DEFAULT_UI_PORT = 8233

const DESCRIPTION = `Starts a Temporal server, its Web UI and a worker, and keeps them until Ctrl-C.

Its history is that of the private server that 'etl3 run' uses for the configured output, so that past runs can be
looked at in the Web UI. Other commands find it at its default address by themselves.`

/** Adds `etl3 dev`. */
export function registerDev(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'dev',
    summary: 'Temporal server, Web UI and worker in the foreground',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 dev', purpose: 'server at 127.0.0.1:7233, Web UI at http://127.0.0.1:8233' },
      { call: 'etl3 dev --port 0 --ui-port 0', purpose: 'on free ports' },
    ],
  })
  shell
    .configOptions(command)
    .option('--port <port>', `port of the server (default: ${DEFAULT_PORT}; 0: a free one)`, portOf)
    .option('--ui-port <port>', `port of the Web UI (default: ${DEFAULT_UI_PORT}; 0: a free one)`, portOf)
    .option('--db-filename <file>', 'history of the server (default: the private one of the configured output)')
  shell.action(command, runDev)
}

async function runDev(call: CliCall): Promise<number> {
  const resolved = await call.loadConfig()
  const { config } = resolved
  const { port = DEFAULT_PORT, uiPort = DEFAULT_UI_PORT, dbFilename } = optionsOf(call)
  const log = await call.logger(resolved, 'dev')

  const { openSession } = await import('../runtime/temporal/session.js')
  const session = await openSession({
    config,
    // A history file of its own goes with a server of its own, which must not be taken for that of the output.
    workflowId: dbFilename === undefined ? workflowIdOf(config) : `dev:${dbFilename}`,
    privateServer: { port, uiPort, ...(dbFilename === undefined ? {} : { historyFile: dbFilename }) },
    env: call.io.env,
    log,
    onNotice: (line) => call.notice(line),
  })
  try {
    const { address, uiUrl, workerPid } = session
    const announce = (): void =>
      call.result(
        { formatVersion: 1, address, uiUrl: uiUrl ?? null, workerPid: workerPid ?? null },
        `Temporal server: ${address}\nWeb UI:          ${uiUrl ?? 'none'}\nStop with Ctrl-C.`,
      )
    return await stayInForeground(call, announce, session.broken)
  } finally {
    call.notice('stopping worker and server')
    // Whoever had it in the foreground may start it again at once, on the same ports.
    await session.close({ stopServer: true, wait: true })
  }
}

interface DevOptions {
  readonly port: number | undefined
  readonly uiPort: number | undefined
  /** Absolute path. */
  readonly dbFilename: string | undefined
}

function optionsOf({ options }: CliCall): DevOptions {
  const { port, uiPort, dbFilename } = options
  return {
    port: typeof port === 'number' ? port : undefined,
    uiPort: typeof uiPort === 'number' ? uiPort : undefined,
    dbFilename: typeof dbFilename === 'string' ? resolve(dbFilename) : undefined,
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('expected a whole number from 0 to 65535.')
}
