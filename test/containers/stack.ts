/** The Compose file, brought up with podman under a name and ports of its own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { RunResult } from '../../src/contract/messages.js'
import { freePort } from '../../src/runtime/temporal/dev-server.js'
import { readTree, type Tree } from '../check-star/tree.js'
import { Container } from './container.js'
import { type Ended, podman, prepared, run } from './programs.js'

/** Shorter than the default, so that a worker that was killed is noticed soon. */
const HEARTBEAT_TIMEOUT_MS = 3_000

/** The bucket that containers/s3 brings. */
const BUCKET = 'etl3-lake'

const EXAMPLE = parseEnv(readFileSync('.env.example', 'utf8'))

/** Services that stay, and their containers' users. */
export const SERVICES = ['temporal', 's3', 'glue', 'worker'] as const

/** The service of the profile `athena`. */
const TRINO = 'trino'

/** A quarter of a minute on a machine with nothing else to do. */
const TRINO_START_MS = 300_000

/** Services that end by themselves. */
export const ONE_SHOTS = ['demo'] as const

/** All containers of one `compose up`. */
export class Stack {
  readonly #project = `etl3-check-${process.pid}`
  #env: NodeJS.ProcessEnv = {}
  #files: string[] = ['docker-compose.yml']

  /** `docker compose up --detach` */
  async up(): Promise<void> {
    const services = ['TEMPORAL', 'TEMPORAL_UI', 'S3', 'GLUE', 'TRINO']
    const ports = services.map((name) => `ETL3_${name}_PORT`)
    const free = await Promise.all(ports.map(async (name) => [name, String(await freePort())]))
    this.#env = { ...EXAMPLE, ...Object.fromEntries(free) }
    await this.#compose('up', '--detach', '--no-build')
    for (const service of SERVICES) await this.container(service).untilHealthy()
  }

  /** `docker compose --profile athena up --detach`, for what is not up yet. */
  async upTrino(): Promise<Container> {
    await this.#compose('--profile', 'athena', 'up', '--detach', '--no-build', '--no-deps', TRINO)
    await this.container(TRINO).untilHealthy(TRINO_START_MS)
    return this.container(TRINO)
  }

  /** Makes the worker anew with variables besides its own. */
  async withWorkerVariables(file: string): Promise<void> {
    this.#files = ['docker-compose.yml', file]
    await this.#compose('stop', 'worker')
    await podman('rm', '--force', this.container('worker').name)
    await this.#compose('up', '--detach', '--no-build', '--no-deps', 'worker')
    await this.container('worker').untilHealthy()
  }

  /** Starts what was stopped. */
  async start(service: string): Promise<void> {
    await this.#compose('start', service)
  }

  async stop(service: string): Promise<void> {
    await this.#compose('stop', service)
  }

  /** `docker compose run --rm etl3 …`, as its user calls it; settings override the configuration of this one command. */
  async etl3(args: readonly string[], settings: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const variables = Object.entries({ ETL3_TEMPORAL_HEARTBEAT_TIMEOUT_MS: String(HEARTBEAT_TIMEOUT_MS), ...settings })
    return await this.#call([
      ...['--profile', 'cli', 'run', '--rm', '-T', '--no-deps'],
      ...variables.flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...['etl3', ...args],
    ])
  }

  /** Runs the pipeline into a table of this name. @throws Error when it is not published */
  async run(table: string): Promise<RunResult> {
    const { code, stdout, stderr } = await this.etl3(['run', '--output', 'json'], {
      ETL3_OUTPUT_URI: `s3://${BUCKET}/${table}/table/`,
      ETL3_OUTPUT_METADATA_URI: `s3://${BUCKET}/${table}/etl3/`,
      ETL3_ATHENA_TABLE: table,
    })
    if (code !== 0) throw new Error(`etl3 run ended with ${code}: ${stdout}${stderr}`)
    const result: RunResult = JSON.parse(stdout)
    return result
  }

  /** SHA-256 of each file of a table. */
  async tree(table: string): Promise<Tree> {
    return readTree(await this.prefix(table, 'table'))
  }

  /** Folder in which the S3 server keeps the objects of a table's prefix. */
  async prefix(table: string, name: 'table' | 'etl3'): Promise<string> {
    return join(await this.volume('s3'), BUCKET, table, name)
  }

  /** Folder of a volume on this machine. */
  async volume(name: string): Promise<string> {
    return await podman('volume', 'inspect', '--format', '{{ .Mountpoint }}', `${this.#project}_${name}`)
  }

  container(service: string): Container {
    return new Container(`${this.#project}_${service}_1`)
  }

  /** Containers of `compose run`, which have names of their own. */
  async commandContainers(): Promise<Container[]> {
    const names = await podman('ps', '--format', '{{ .Names }}', '--filter', `name=${this.#project}_etl3_tmp`)
    return names
      .split('\n')
      .filter(Boolean)
      .map((name) => new Container(name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A command that a failed test left would keep its volumes.
    for (const { name } of await this.commandContainers()) await podman('rm', '--force', '--time', '5', name)
    await this.#call(['--profile', 'cli', '--profile', 'athena', 'down', '--volumes', '--timeout', '5'])
  }

  async #compose(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await this.#call(args)
    if (code !== 0) throw new Error(`podman-compose ${args.join(' ')} ended with ${code}: ${stderr}`)
  }

  async #call(args: readonly string[]): Promise<Ended> {
    const files = this.#files.flatMap((file) => ['--file', file])
    return await run(prepared('PODMAN_COMPOSE'), ['--project-name', this.#project, ...files, ...args], {
      env: this.#env,
    })
  }
}

/** The variables of a file like .env. */
function parseEnv(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => /^[A-Z]/.test(line))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** Images that the Compose file names. */
export function imagesOfComposeFile(): string[] {
  const file: { services: Record<string, { image: string }> } = parse(readFileSync('docker-compose.yml', 'utf8'), {
    merge: true,
  })
  return Object.values(file.services).map(({ image }) => image)
}
