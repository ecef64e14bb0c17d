/** moto as a server: S3, Glue and Athena's API in memory, on a free port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../src/runtime/temporal/dev-server.js'

const PYTHON = process.env['ETL3_PYTHON'] ?? (existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3')
const START = 'import sys; from moto.server import main; main(sys.argv[1:])'
const LOOK_INTERVAL_MS = 100
const PATIENCE_MS = 60_000

/** A server that runs. */
export interface Moto {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a server and waits until it answers. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort()
  const child = spawn(PYTHON, ['-c', START, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (data: Buffer) => {
    // The end is enough to see why a server did not start; it writes a line a request.
    said = (said + data.toString()).slice(-4_000)
  })
  const url = `http://127.0.0.1:${port}`
  const giveUp = performance.now() + PATIENCE_MS
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > giveUp) throw new Error(`moto does not answer: ${said}`)
    await delay(LOOK_INTERVAL_MS)
  }
  return { url, stop: () => ended(child) }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/moto-api/`)).ok
  } catch {
    return false
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const end = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await end
}
