/** `etl3 worker`: workers in the foreground, for a server that is there. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { stayInForeground } from './foreground.js'
import type { CliCall, CliShell } from './shell.js'

// Its processes outlive it when it is killed, as long as a run is open, and this much longer.
const IDLE_AFTER_MS = 5_000

// Measured in a container with Node 24: this command has 50 MB that cannot be reclaimed; the rest is for the kernel and
// the health check.
const COMMAND_MB = 64

const DESCRIPTION = `Starts worker processes for a Temporal server that is there, and keeps them until Ctrl-C.

How many, and how much memory they share, is in the configuration (processing.max_workers, memory_limit_mb).
Start it on several machines to spread a run: inputs and output must then be reachable from all of them.`

/** Adds `etl3 worker`. */
export function registerWorker(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'worker',
    summary: 'worker processes in the foreground',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 worker', purpose: 'workers for the configured server, or the one at 127.0.0.1:7233' },
      { call: 'etl3 worker --max-workers 4 --memory-limit 4096', purpose: 'four processes with 1 GB each' },
    ],
  })
  shell
    .configOptions(command)
    .option('--container', 'the memory limit is that of the container: what this command takes is left to it')
  shell.action(command, runWorkers)
}

async function runWorkers(call: CliCall): Promise<number> {
  const resolved = await call.loadConfig()
  const { processing, temporal, logging, metrics } = resolved.config
  const log = await call.logger(resolved, 'cli')
  const [connection, { taskQueueAt }, { workflowIdOf }, state, supervision, presence, exits] = await Promise.all([
    import('../runtime/temporal/connection.js'),
    import('../runtime/temporal/task-queue.js'),
    import('../runtime/temporal/workflow-id.js'),
    import('../runtime/state-folder.js'),
    import('../runtime/worker/supervisor.js'),
    import('../runtime/presence.js'),
    import('../runtime/worker/worker-exit.js'),
  ])
  const { configuredEndpoint, connectClient, standardEndpoint } = connection
  const { stateFolder, stateRoot } = state
  const endpoint = configuredEndpoint(temporal) ?? standardEndpoint(temporal)
  const client = await connectClient(endpoint, temporal.connect_timeout_ms)
  await client.connection.close()
  const taskQueue = taskQueueAt(endpoint, temporal, stateFolder(workflowIdOf(resolved.config), call.io.env))

  const folder = join(stateRoot(call.io.env), 'worker', String(process.pid))
  presence.enter(folder, 'client', process.pid)
  let giveUp: (error: Error) => void = () => {}
  const givenUp = new Promise<Error>((resolve) => {
    giveUp = resolve
  })
  const supervisor = new supervision.WorkerSupervisor({
    worker: {
      settings: {
        taskQueue,
        connectTimeoutMs: temporal.connect_timeout_ms,
        memoryLimitMb: processing.memory_limit_mb - (call.options['container'] === true ? COMMAND_MB : 0),
        workers: processing.max_workers,
        scratch: processing.scratch,
        logging,
        metrics,
        idle: { folder, afterMs: IDLE_AFTER_MS, stopServer: false },
      },
      folder,
    },
    endpoint,
    log,
    onNotice: (line) => call.notice(line),
    onGivenUp: (exit) => giveUp(exits.workerFailure(exit)),
  })
  try {
    supervisor.start()
    const { pids } = supervisor
    const announce = (): void =>
      call.result(
        {
          formatVersion: 1,
          address: endpoint.address,
          namespace: endpoint.namespace,
          taskQueue,
          pids,
        },
        `${pids.length} worker ${pids.length === 1 ? 'process' : 'processes'} for ${endpoint.address}, task queue ${taskQueue}\nStop with Ctrl-C.`,
      )
    return await stayInForeground(call, announce, givenUp)
  } finally {
    call.notice('stopping; what runs now is finished or given back')
    await supervisor.stop()
    presence.leave(folder, 'client', process.pid)
    rmSync(folder, { recursive: true, force: true })
  }
}
