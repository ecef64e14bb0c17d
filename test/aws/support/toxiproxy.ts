/** toxiproxy: TCP that is slow, short or broken, between ETL3 and a server of a test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { freePort } from '../../../src/runtime/temporal/dev-server.js'
import { until } from '../../e2e/support/until.js'

/** The same connections are struck each time. */
const SEED = '7'

/** What toxiproxy does to connections; its own documentation has the attributes of each type. */
export interface Toxic {
  readonly type: 'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data'
  /** `upstream`: what ETL3 sends; `downstream`: what the server answers. Default: downstream. */
  readonly stream?: 'upstream' | 'downstream'
  /** Share of connections. Default: 1. */
  readonly toxicity?: number
  readonly attributes: Readonly<Record<string, number>>
}

/** A server that runs; its proxies are told over HTTP what to do. */
export class Toxiproxy {
  readonly #url: string
  readonly #child: ChildProcess
  #proxies = 0

  private constructor(url: string, child: ChildProcess) {
    this.#url = url
    this.#child = child
  }

  static async start(): Promise<Toxiproxy> {
    const port = await freePort()
    const child = spawn(program(), ['-host', '127.0.0.1', '-port', String(port), '-seed', SEED], { stdio: 'ignore' })
    const url = `http://127.0.0.1:${port}`
    await until(`toxiproxy at ${url}`, async () => {
      if (child.exitCode !== null) throw new Error(`toxiproxy ended with ${child.exitCode}`)
      return (await fetch(`${url}/version`)).ok
    })
    return new Toxiproxy(url, child)
  }

  /** Opens a way to a server. */
  async open(upstream: string): Promise<TcpWay> {
    const name = `way-${++this.#proxies}`
    const { listen } = z.object({ listen: z.string() }).parse(
      await call(`${this.#url}/proxies`, 'POST', {
        name,
        listen: '127.0.0.1:0',
        upstream: new URL(upstream).host,
        enabled: true,
      }),
    )
    return new TcpWay(`${this.#url}/proxies/${name}`, `http://${listen}`)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const end = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await end
  }
}

/** One way to one server. */
export class TcpWay {
  readonly #url: string
  readonly #toxics = new Set<string>()

  constructor(
    url: string,
    /** Where ETL3 is to connect. */
    readonly endpoint: string,
  ) {
    this.#url = url
  }

  /** Breaks connections from now on. */
  async poison(...toxics: readonly Toxic[]): Promise<void> {
    for (const { type, stream = 'downstream', toxicity = 1, attributes } of toxics) {
      const name = `${type}-${stream}`
      this.#toxics.add(name)
      await call(`${this.#url}/toxics`, 'POST', { name, type, stream, toxicity, attributes })
    }
  }

  /** Nobody listens, as if the server were down. */
  async close(): Promise<void> {
    await call(this.#url, 'POST', { enabled: false })
  }

  /** As on the first day. */
  async heal(): Promise<void> {
    for (const name of this.#toxics) await call(`${this.#url}/toxics/${name}`, 'DELETE')
    this.#toxics.clear()
    await call(this.#url, 'POST', { enabled: true })
  }
}

async function call(url: string, method: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`toxiproxy answers ${response.status} to ${method} ${url}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

function program(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const path = process.env['ETL3_TOXIPROXY'] ?? join(cache, 'etl3', 'toxiproxy-v2.12.0', 'toxiproxy')
  if (!existsSync(path)) throw new Error(`no toxiproxy at ${path}: run node scripts/setup.mjs`)
  return path
}
