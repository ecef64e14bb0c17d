/** What the real star must give (its README.md), checked on the built command line. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunResult } from '../../src/contract/messages.js'
import { compareTable } from '../oracle/compare-table.js'
import { changeOneGroup } from './changed-group.js'
import { type Ended, type Installation, queryNumber, resultOf, runEtl3, writeConfig } from './etl3-process.js'
import { startS3Lake } from './s3-lake.js'
import { Scoreboard } from './scoreboard.js'
import { differenceOf, readStamps, readTree, sentenceOf, type Tree } from './tree.js'

/** What the check needs. */
export interface CheckStarOptions {
  /** Folder of the real star. */
  readonly star: string
  /** Path of dist/cli/main.js. */
  readonly cli: string
  readonly temporalCli: string
  /** Leaves the outputs where they are. */
  readonly keep: boolean
  /** Only the first run and those on S3. */
  readonly onlyS3: boolean
  /** The outermost settings on the grafted star, the first one on the other, which then goes to S3; nothing is killed. */
  readonly short: boolean
  readonly say: (line: string) => void
}

const TABLES = [
  'fact_rate',
  'dim_code',
  'dim_code_cat',
  'dim_payer',
  'dim_provider_group',
  'dim_pos_set',
  'dim_npi',
  'dim_npi_address',
  'dim_npi_address_geolocation',
  'xref_pg_member_npi',
  'xref_pg_member_tin',
  'bench_medicare_professional',
]
const GRAFTED = new Set(['dim_npi', 'dim_npi_address_geolocation'])

// Measured with DuckDB before ETL3 was written; the star's README.md holds them.
const DUE = { facts: 816_329, rows: 1_444_461, nullNpi: 122_310, rateSum: 502_723_420.29 }
const STARS = [
  { name: 'grafted', partitions: 29_425 },
  { name: 'real', partitions: 1_047 },
] as const

const SETTINGS = [
  { chunkSize: 500, memoryLimitMb: 512 },
  { chunkSize: 1000, memoryLimitMb: 1024 },
  { chunkSize: 2000, memoryLimitMb: 2048 },
] as const

const UNCHANGED_SHARE = 0.1
const REGISTRATION_S = 60

type Tables = Readonly<Record<string, string>>

/** One published table and what is known of it. */
interface Published {
  readonly folder: string
  readonly config: string
  readonly tables: Tables
  readonly tree: Tree
  /** Of the run itself, and of the whole command with its server and worker. */
  readonly seconds: { readonly run: number; readonly command: number }
}

/** Runs every check. @returns how many passed and failed */
export async function checkStar(options: CheckStarOptions): Promise<{ passed: number; failed: number }> {
  const board = new Scoreboard(options.say)
  const folder = mkdtempSync(join(tmpdir(), 'etl3-check-star-'))
  const installation = { cli: options.cli, temporalCli: options.temporalCli, stateDir: join(folder, 'state') }
  const check = new StarCheck(board, installation, folder)
  const began = performance.now()
  try {
    for (const { name, partitions } of STARS) {
      const tables = tablesOf(options.star, name)
      const published = await check.settings(name, tables, partitions, settingsFor(name, options))
      if (!published) continue
      if (options.onlyS3) {
        await check.onS3(name, published)
        break
      }
      await check.values(name, published)
      await check.runAgain(name, published)
      if (name === 'grafted') {
        await check.changeAndBack(published)
        if (!options.short) await check.killed(published)
      }
      if (name === (options.short ? 'real' : 'grafted')) await check.onS3(name, published)
    }
    board.note(`${((performance.now() - began) / 60_000).toFixed(1)} minutes in all`)
  } finally {
    if (options.keep) options.say(`outputs kept in ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
  return board.close()
}

function settingsFor(
  name: (typeof STARS)[number]['name'],
  { onlyS3, short }: CheckStarOptions,
): readonly (typeof SETTINGS)[number][] {
  const [least, , most] = SETTINGS
  if (onlyS3) return [least]
  if (!short) return SETTINGS
  return name === 'grafted' ? [least, most] : [least]
}

class StarCheck {
  readonly #board: Scoreboard
  readonly #installation: Installation
  readonly #folder: string

  constructor(board: Scoreboard, installation: Installation, folder: string) {
    this.#board = board
    this.#installation = installation
    this.#folder = folder
  }

  /** Each setting into a table of its own; all of them must be the same bytes. @returns the first one */
  async settings(
    name: string,
    tables: Tables,
    partitions: number,
    settings: readonly (typeof SETTINGS)[number][],
  ): Promise<Published | undefined> {
    let first: Published | undefined
    for (const { chunkSize, memoryLimitMb } of settings) {
      const board = this.#board
      board.begin(`${name} dimensions, chunk ${chunkSize}, ${memoryLimitMb} MB`)
      const folder = join(this.#folder, `${name}-${memoryLimitMb}`)
      const config = writeConfig({ folder, tables, chunkSize, memoryLimitMb })
      const { ended, result } = await this.#run(config)
      board.equal('status', result?.status, 'published')
      board.equal('facts', result?.facts, DUE.facts)
      board.equal('facts set aside', result?.quarantined, 0)
      board.equal('rows', result?.rows, DUE.rows)
      board.equal('partitions', result?.partitions.total, partitions)
      board.atMost('peak memory, as the run says', result?.peakMemoryMb, memoryLimitMb, ' MB')
      const [peakMb] = ended.workerPeaksMb
      if (peakMb !== undefined) {
        board.atMost('peak memory, as the kernel says', peakMb, memoryLimitMb, ' MB')
      }
      if (result?.status !== 'published') continue
      const tree = readTree(join(folder, 'table'))
      board.equal('files', tree.size, partitions)
      if (!first) {
        const seconds = { run: result.seconds['total'] ?? ended.seconds, command: ended.seconds }
        first = { folder, config, tables, tree, seconds }
        continue
      }
      const difference = sentenceOf(differenceOf(first.tree, tree))
      board.holds(`same bytes as with ${SETTINGS[0].memoryLimitMb} MB`, difference === undefined, difference ?? '')
      rmSync(folder, { recursive: true, force: true })
    }
    return first
  }

  /** Every value against the oracle's join. */
  async values(name: string, { folder, tables, config }: Published): Promise<void> {
    const board = this.#board
    board.begin(`${name} dimensions, value for value against an independent join`)
    const began = performance.now()
    const { expected, published, problems } = await compareTable({ star: tables, tableRoot: join(folder, 'table') })
    board.equal('rows', published.rows, DUE.rows)
    board.equal('facts', published.facts, DUE.facts)
    board.equal('rows without an NPI', published.nullNpi, DUE.nullNpi)
    board.equal('sum of negotiated_rate', published.rateSum, DUE.rateSum)
    board.equal('sum of negotiated_rate by the join', expected.rateSum, DUE.rateSum)
    board.holds('every value, place and order', problems.length === 0, problems.slice(0, 3).join('; '))
    const rows = await queryNumber(this.#installation, config, 'SELECT count(*) AS n FROM fact_rate_enriched')
    board.equal("rows that 'etl3 query' sees", rows, DUE.rows)
    board.note(`compared in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }

  /** The same run again does nothing, quickly. */
  async runAgain(name: string, { config, folder, tree, seconds }: Published): Promise<void> {
    const board = this.#board
    board.begin(`${name} dimensions, run again`)
    const stamps = readStamps(join(folder, 'table'))
    const { ended, result } = await this.#run(config)
    board.equal('status', result?.status, 'unchanged')
    board.equal('rows', result?.rows, DUE.rows)
    // Of the run's own time: starting and stopping server and worker costs both times the same.
    board.atMost(
      'share of the first time',
      (result?.seconds['total'] ?? ended.seconds) / seconds.run,
      UNCHANGED_SHARE,
      '',
    )
    board.note(`the whole command: ${ended.seconds.toFixed(1)} s after ${seconds.command.toFixed(1)} s`)
    const touched = sentenceOf(differenceOf(stamps, readStamps(join(folder, 'table'))))
    board.holds('no file was touched', touched === undefined, touched ?? '')
    const difference = sentenceOf(differenceOf(tree, readTree(join(folder, 'table'))))
    board.holds('same bytes', difference === undefined, difference ?? '')
  }

  /** One group's members change, and change back. */
  async changeAndBack({ folder, tables, tree }: Published): Promise<void> {
    const board = this.#board
    board.begin("grafted dimensions, one group's members change")
    const table = join(folder, 'table')
    const change = await changeOneGroup(tables, join(this.#folder, 'changed', 'xref_pg_member_npi.parquet'))
    board.note(`${change.leaves} leaves group ${change.group}, ${change.joins} joins it`)
    const stamps = readStamps(table)
    const { chunkSize, memoryLimitMb } = SETTINGS[0]
    const before = await this.#rowsWhere(folder, change.vanished)
    board.holds('the partition that will vanish has rows', (before ?? 0) > 0, `${before} rows`)

    const config = writeConfig({
      folder,
      tables: { ...tables, xref_pg_member_npi: change.xref },
      chunkSize,
      memoryLimitMb,
    })
    const { result } = await this.#run(config)
    board.equal('status', result?.status, 'published')
    board.equal('rows', result?.rows, change.rows)
    board.equal('partitions', result?.partitions.total, change.partitions)
    board.equal('partitions added', result?.partitions.added, change.added.size)
    board.equal('partitions replaced', result?.partitions.replaced, change.replaced.size)
    board.equal('partitions removed', result?.partitions.removed, change.removed.size)
    const difference = differenceOf(stamps, readStamps(table))
    board.holds(
      'files added are those of the group',
      same(difference.added, change.added),
      firstOdd(difference.added, change.added),
    )
    board.holds(
      'files rewritten are those of the group',
      same(difference.changed, change.replaced),
      firstOdd(difference.changed, change.replaced),
    )
    board.holds(
      'files gone are those that it left empty',
      same(difference.removed, change.removed),
      firstOdd(difference.removed, change.removed),
    )
    board.equal('rows of a vanished partition in the view', await this.#rowsWhere(folder, change.vanished), 0)
    board.equal('rows in the view', await this.#rowsWhere(folder, 'true'), change.rows)

    board.begin('grafted dimensions, the members change back')
    const { result: back } = await this.#run(writeConfig({ folder, tables, chunkSize, memoryLimitMb }))
    board.equal('status', back?.status, 'published')
    board.equal('partitions added', back?.partitions.added, change.removed.size)
    board.equal('partitions replaced', back?.partitions.replaced, change.replaced.size)
    board.equal('partitions removed', back?.partitions.removed, change.added.size)
    const bytes = sentenceOf(differenceOf(tree, readTree(table)))
    board.holds('the first bytes again', bytes === undefined, bytes ?? '')
    board.equal('rows in the view', await this.#rowsWhere(folder, 'true'), DUE.rows)
  }

  /** SIGKILL of the worker while it writes. */
  async killed({ tables, tree }: Published): Promise<void> {
    const board = this.#board
    board.begin('grafted dimensions, worker killed while it writes')
    const folder = join(this.#folder, 'killed')
    const config = writeConfig({ folder, tables, ...SETTINGS[0] })
    const { ended, result } = await this.#run(config, () => finishedUnits(join(folder, 'etl3')) > 0)
    board.holds('the worker was killed after its first unit', ended.killed, 'no unit was seen before the end')
    board.equal('status', result?.status, 'published')
    board.equal('rows', result?.rows, DUE.rows)
    const difference = sentenceOf(differenceOf(tree, readTree(join(folder, 'table'))))
    board.holds('same bytes as undisturbed', difference === undefined, difference ?? '')
  }

  /** The same into a bucket, registered in Glue. */
  async onS3(name: string, { tables, tree }: Published): Promise<void> {
    const board = this.#board
    board.begin(`${name} dimensions, on S3 (versitygw) and in Glue (moto)`)
    const lake = await startS3Lake()
    try {
      const bucket = await lake.place()
      const config = writeConfig({ folder: join(this.#folder, 's3'), tables, ...SETTINGS[0], bucket })
      const { ended, result } = await this.#run(config, undefined, lake.env)
      board.equal('status', result?.status, 'published')
      board.equal('facts', result?.facts, DUE.facts)
      board.equal('rows', result?.rows, DUE.rows)
      board.equal('partitions', result?.partitions.total, tree.size)
      board.equal('objects in the bucket', await lake.countObjects(bucket.bucket, 'table/'), tree.size)
      const difference = sentenceOf(differenceOf(tree, readTree(bucket.table)))
      board.holds('same bytes as in the folder', difference === undefined, difference ?? '')
      const glue = await lake.countPartitions(bucket.database, 'fact_rate_enriched')
      board.equal('partitions, as Glue says', glue.partitions, tree.size)
      board.equal('their rows, as Glue says', glue.rows, DUE.rows)
      board.atMost('registration', result?.seconds['register'], REGISTRATION_S, ' s')
      const [peakMb] = ended.workerPeaksMb
      if (peakMb !== undefined) {
        board.atMost('peak memory, as the kernel says', peakMb, SETTINGS[0].memoryLimitMb, ' MB')
      }

      board.begin(`${name} dimensions, on S3, run again`)
      const stamps = readStamps(bucket.table)
      const { result: again } = await this.#run(config, undefined, lake.env)
      board.equal('status', again?.status, 'unchanged')
      board.equal('rows', again?.rows, DUE.rows)
      const touched = sentenceOf(differenceOf(stamps, readStamps(bucket.table)))
      board.holds('no object was touched', touched === undefined, touched ?? '')
    } finally {
      await lake.stop()
    }
  }

  async #run(
    config: string,
    killWorkerWhen?: () => boolean,
    env?: Installation['env'],
  ): Promise<{ ended: Ended; result: RunResult | undefined }> {
    const installation = env === undefined ? this.#installation : { ...this.#installation, env }
    const ended = await runEtl3(installation, ['run', '--config', config, '--output', 'json'], killWorkerWhen)
    const result = resultOf(ended)
    const [peakMb] = ended.workerPeaksMb
    const peak = peakMb === undefined ? '' : `, peak ${peakMb.toFixed(0)} MB`
    this.#board.note(`${ended.seconds.toFixed(1)} s${peak} · ${phasesOf(result)}`)
    this.#board.holds('exit code 0', ended.exitCode === 0, `${ended.exitCode}: ${ended.lastWords}`)
    return { ended, result }
  }

  async #rowsWhere(folder: string, condition: string): Promise<number | undefined> {
    return await queryNumber(
      this.#installation,
      join(folder, 'etl3.yaml'),
      `SELECT count(*) AS n FROM fact_rate_enriched WHERE ${condition}`,
    )
  }
}

/** Paths of all tables, one by one, as the star's README asks. */
function tablesOf(star: string, name: (typeof STARS)[number]['name']): Tables {
  const folderOf = (table: string): string => (name === 'grafted' && GRAFTED.has(table) ? join(star, 'grafted') : star)
  return Object.fromEntries(TABLES.map((table) => [table, join(folderOf(table), `${table}.parquet`)]))
}

function phasesOf(result: RunResult | undefined): string {
  const phases = Object.entries(result?.seconds ?? {}).filter(([name]) => name !== 'total')
  return phases.map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`).join(', ')
}

/** Units whose record stands: `runs/<run id>/units/<n>.json`. */
function finishedUnits(metadata: string): number {
  try {
    const runs = join(metadata, 'runs')
    return readdirSync(runs).reduce((sum, run) => sum + readdirSync(join(runs, run, 'units')).length, 0)
  } catch {
    return 0
  }
}

function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item))
}

function firstOdd(found: ReadonlySet<string>, due: ReadonlySet<string>): string {
  const odd = [...found].find((item) => !due.has(item)) ?? [...due].find((item) => !found.has(item)) ?? ''
  return `${found.size} instead of ${due.size}, e.g. ${odd}`
}
