/** What `etl3 doctor` looks at. Each check answers by itself and never throws. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { freemem, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { ANALYTICS_DISK_FACTOR } from '../../config/analytics-place.js'
import type { ResolvedConfig } from '../../config/load.js'
import type { Config } from '../../config/schema.js'
import { isOnAws } from '../../lake/catalogs.js'
import { Etl3Error, EXIT_CODES, messageOf } from '../../runtime/errors.js'
import { existingParent } from '../../runtime/existing-parent.js'
import { diskOf, freeRoomAt } from '../../runtime/free-room.js'
import type { Environment } from '../../runtime/state-folder.js'
import { bytesText } from '../output/figures.js'
import { attempt, type Finding, fail, failed, ok, warn } from './finding.js'

export type { Finding, Verdict } from './finding.js'

const BYTES_PER_MB = 1024 * 1024
const SMALLEST_NODE = [20, 19] as const

// The real star: 26 MB of input become 29,425 objects of 11 KB in 72,196 folders of 4 KB, about 600 MB on disk.
const DISK_PER_INPUT_BYTE = 25
const COMFORTABLE_DISK_PER_INPUT_BYTE = 50

/** What the checks look at. */
export interface CheckupOptions {
  readonly env: Environment
  readonly loadConfig: () => Promise<ResolvedConfig>
  /** Whether to mend what can be mended without asking: missing search attributes. */
  readonly fix?: boolean
}

/** Runs all checks, one after the other. */
export async function* checkup({ env, loadConfig, fix = false }: CheckupOptions): AsyncGenerator<Finding> {
  yield nodeVersion(process.versions.node)
  yield await attempt('DuckDB', engineLoads)
  let resolved: ResolvedConfig | undefined
  yield await attempt('configuration', async () => {
    resolved = await loadConfig()
    return ok('configuration', resolved.file ?? 'built-in values')
  })
  const config = resolved?.config
  yield await attempt('Temporal CLI', () => temporalCli(env, config))
  if (!config) return
  yield await attempt('Temporal server', () => temporalServer(config))
  const attributes = await attempt('search attributes', () => searchAttributes(config, fix))
  if (attributes) yield attributes
  let inputBytes = 0
  yield await attempt('input', async () => {
    const found = await inputTables(config)
    inputBytes = found.bytes
    return found.finding
  })
  yield writable('output', config.output.uri)
  yield writable('records', config.output.metadata_uri)
  let analytics: string | undefined
  const place = await attempt('analytics table', async () => {
    analytics = await analyticsPlace(config)
    return analytics === undefined ? undefined : writable('analytics table', analytics)
  })
  if (place) yield place
  yield writable('scratch', config.processing.scratch)
  const written = [config.output.uri, analytics, config.processing.scratch].flatMap((uri) => uri ?? [])
  for (const folder of onDifferentDisks(written)) yield freeDisk(folder, inputBytes, config.output.analytics.enabled)
  if (isOnAws(config)) {
    const { awsCheckup } = await import('./checkup-aws.js')
    yield* awsCheckup(config, analytics)
  }
  yield await attempt('memory', () => memory(config, machineMemoryMb(), freemem() / BYTES_PER_MB))
}

/** Exit code of all findings together: a wrong set-up goes before a service that does not answer. */
export function exitCodeOfFindings(findings: readonly Finding[]): number {
  const codes = findings
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ exitCode }) => exitCode ?? EXIT_CODES.ConfigError)
  return codes.length === 0 ? 0 : Math.min(...codes)
}

/** Whether Node is new enough. */
export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [needMajor, needMinor] = SMALLEST_NODE
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return ok('Node', version)
  return fail('Node', version, `Install Node ${needMajor}.${needMinor} or newer.`)
}

/** Whether the limit can work, and whether the machine has that much. */
export async function memory(config: Config, totalMb: number, freeMb: number): Promise<Finding> {
  const { splitBudget, describeBudget } = await import('../../runtime/worker/memory-budget.js')
  const { memory_limit_mb: limitMb, max_workers: workers } = config.processing
  const split = describeBudget(splitBudget(limitMb, workers))
  if (limitMb > totalMb) {
    return fail(
      'memory',
      `the limit is ${limitMb} MB, this machine has ${Math.round(totalMb)} MB`,
      'Lower --memory-limit.',
    )
  }
  const serverMb = 200
  if (limitMb + serverMb > freeMb) {
    return warn(
      'memory',
      `the limit is ${limitMb} MB, ${Math.round(freeMb)} MB are free now and the Temporal server takes about ${serverMb} MB`,
      'Close other programs, or lower --memory-limit.',
    )
  }
  return ok('memory', workers === 1 ? split : `${workers} workers, each: ${split}`)
}

async function engineLoads(): Promise<Finding> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const { firstColumn } = await import('../../engine/column-values.js')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const [version] = await firstColumn(await connection.run('SELECT version()'))
  connection.closeSync()
  instance.closeSync()
  return ok('DuckDB', String(version))
}

async function temporalCli(env: Environment, config: Config | undefined): Promise<Finding> {
  const { findTemporalCli } = await import('../../runtime/temporal/temporal-cli.js')
  try {
    const { path, version, source } = await findTemporalCli({ env, fetch: false })
    return ok('Temporal CLI', `${version}, from ${source}: ${path}`)
  } catch (error) {
    if (!(error instanceof Etl3Error)) throw error
    if (config?.temporal.address !== undefined)
      return ok('Temporal CLI', 'none, and none is needed: a server is configured')
    // A wrong TEMPORAL_CLI stays wrong; a missing CLI is fetched when it is needed.
    if (env['TEMPORAL_CLI']) return failed('Temporal CLI', error)
    return warn('Temporal CLI', 'not on this machine; the first run will try to fetch it', error.hint ?? '')
  }
}

async function temporalServer({ temporal }: Config): Promise<Finding> {
  const { answers, configuredEndpoint, connectClient, standardEndpoint } = await import(
    '../../runtime/temporal/connection.js'
  )
  const configured = configuredEndpoint(temporal)
  if (configured) {
    const client = await connectClient(configured, temporal.connect_timeout_ms)
    await client.connection.close()
    return ok('Temporal server', `${configured.address}, namespace ${configured.namespace}`)
  }
  const standard = standardEndpoint(temporal)
  return (await answers(standard, 2_000))
    ? ok('Temporal server', `${standard.address} (none is configured)`)
    : ok('Temporal server', 'none is configured: each run starts a private one')
}

/** Undefined where there is no server to ask: a private one gets the attributes when it is started. */
async function searchAttributes({ temporal }: Config, fix: boolean): Promise<Finding | undefined> {
  const check = 'search attributes'
  const [{ answers, configuredEndpoint, connectClient, standardEndpoint }, registry] = await Promise.all([
    import('../../runtime/temporal/connection.js'),
    import('../../runtime/temporal/search-attribute-registry.js'),
  ])
  const endpoint = configuredEndpoint(temporal) ?? standardEndpoint(temporal)
  if (!(await answers(endpoint, 2_000))) return undefined
  const client = await connectClient(endpoint, temporal.connect_timeout_ms)
  try {
    const missing = await registry.missingSearchAttributes(client)
    const all = Object.keys(registry.SEARCH_ATTRIBUTE_TYPES).join(', ')
    if (missing.length === 0) return ok(check, all)
    if (!fix) {
      return warn(
        check,
        `the server does not know ${missing.join(', ')}: runs work, and cannot be searched by them`,
        "'etl3 doctor --fix' registers them.",
      )
    }
    await registry.addSearchAttributes(client, missing)
    return ok(check, `registered ${missing.join(', ')}`)
  } catch (error) {
    // Runs work without them, and a hosted server lets only its own tools register any.
    return warn(
      check,
      `they cannot be looked at or registered here: ${messageOf(error)}`,
      "Register them with your server's own tools.",
    )
  } finally {
    await client.connection.close()
  }
}

async function inputTables(config: Config): Promise<{ finding: Finding; bytes: number }> {
  const { findInputs, leftOutOf } = await import('../../star/inputs.js')
  // Not the configured folder: a check leaves nothing behind.
  const scratch = mkdtempSync(join(tmpdir(), 'etl3-doctor-'))
  try {
    const tables = await findInputs(config, new AbortController().signal, scratch)
    const missing = tables.filter(({ files }) => files.length === 0).map(({ name }) => name)
    const bytes = tables.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0)
    const size = `${tables.length - missing.length} tables, ${bytesText(bytes)}`
    const without = missing.length === 0 ? '' : `; without the optional ${missing.join(', ')}`
    const detail = `${size}${without}`
    const leftOut = leftOutOf(tables)
    const hint = 'Move it elsewhere if it is no input, or have it read: a pattern or a folder under input.tables.'
    return { finding: leftOut ? warn('input', [detail, ...leftOut].join('; '), hint) : ok('input', detail), bytes }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Where the analytics table is to lie; undefined where runs keep none. */
async function analyticsPlace(config: Config): Promise<string | undefined> {
  const [{ analyticsTableOf }, { layoutOf }] = await Promise.all([
    import('../../analytics/analytics-table.js'),
    import('../../star/layout.js'),
  ])
  return analyticsTableOf(config, layoutOf(config.partitioning.partition_columns))?.uri
}

function writable(check: string, place: string): Finding {
  if (isRemote(place)) return ok(check, `${place} (looked at below)`)
  const folder = existingParent(place)
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return ok(check, resolve(place))
  } catch {
    return fail(
      check,
      `${resolve(place)} cannot be written: no right to write in ${folder}`,
      'Change its permissions, or choose another folder.',
    )
  }
}

function freeDisk(place: string, inputBytes: number, hasAnalytics: boolean): Finding {
  const check = 'free disk'
  const { freeBytes: free } = freeRoomAt(place)
  // Twice for comfort: snapshots that are kept take as much again.
  const more = hasAnalytics ? ANALYTICS_DISK_FACTOR : 0
  const [least, comfortable] = [DISK_PER_INPUT_BYTE + more, COMFORTABLE_DISK_PER_INPUT_BYTE + 2 * more]
  const [needed, better] = [inputBytes * least, inputBytes * comfortable]
  const need = inputBytes === 0 ? '' : `; the run takes about ${bytesText(needed)} to ${bytesText(better)}`
  const detail = `${bytesText(free)} for ${resolve(place)}${need}`
  const hint = 'Free some space, or choose a folder on a larger disk.'
  if (free < needed) return { ...fail(check, detail, hint), exitCode: EXIT_CODES.ResourceError }
  return free < better ? warn(check, detail, hint) : ok(check, detail)
}

function onDifferentDisks(places: readonly string[]): string[] {
  const disks = new Map<number, string>()
  for (const place of places) {
    if (isRemote(place)) continue
    const disk = diskOf(place)
    if (!disks.has(disk)) disks.set(disk, place)
  }
  return [...disks.values()]
}

function machineMemoryMb(): number {
  // 0 or undefined where no control group limits the process.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY
  return Math.min(totalmem(), constrained) / BYTES_PER_MB
}

function isRemote(place: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(place)
}
