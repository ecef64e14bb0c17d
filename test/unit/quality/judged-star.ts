/** A star that went through staging, screen, plan and quality check in this process, without Temporal. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configSchema } from '../../../src/config/schema.js'
import { Engine } from '../../../src/engine/engine.js'
import { readParquet } from '../../../src/engine/parquet-scan.js'
import { type InventoryEntry, takeInventory } from '../../../src/plan/inventory.js'
import { loadPartitionValues } from '../../../src/plan/partition-values.js'
import { planPartitions } from '../../../src/plan/plan-partitions.js'
import { checkTable, type TableFindings } from '../../../src/quality/check-table.js'
import { requirePatterns } from '../../../src/quality/patterns.js'
import type { QualityRecord, RuleResult } from '../../../src/quality/quality-record.js'
import { type RuleSet, ruleSetOf } from '../../../src/quality/rule-set.js'
import { runStatements } from '../../../src/quality/run-statements.js'
import { type ScreenFindings, type ScreenPaths, screenFacts } from '../../../src/quality/screen.js'
import { contractOf } from '../../../src/star/contract.js'
import { loadQuarantined } from '../../../src/star/fact-window.js'
import { findInputs } from '../../../src/star/inputs.js'
import { layoutOf } from '../../../src/star/layout.js'
import { stageDimensions } from '../../../src/star/stage-dimensions.js'
import type { StagedPaths } from '../../../src/star/staged-files.js'
import { loadBlock, loadStagedStar } from '../../../src/star/staged-star.js'
import { checkKeys, checkSchemas, selectInputs } from '../../../src/star/validate.js'
import { pathsIn, stageAllFacts } from '../../pipeline/run-in-process.js'
import { type Star, writeStar } from '../../stars/star.js'

/** The clock of all tests. */
export const AS_OF = new Date('2026-01-15T12:00:00Z')

/** How a star is judged. */
export interface JudgeOptions {
  /** `data_quality.rules`. */
  readonly rules?: Readonly<Record<string, unknown>>
  readonly partitionColumns?: readonly string[]
  readonly before?: QualityRecord['figures']
}

/** What came out. */
export interface JudgedStar {
  /** Root of the star's files. */
  readonly root: string
  readonly staged: StagedPaths
  readonly screen: ScreenFindings
  readonly table: TableFindings
  /** All results. */
  readonly results: readonly RuleResult[]
  /** The quarantine, as text by column. */
  readonly quarantine: readonly Readonly<Record<string, unknown>>[]
  result(name: string, subject?: string): RuleResult
  /** Names (and subjects) of what was violated. */
  readonly violated: readonly string[]
}

/** Judges a star. Its folder goes when `use` is done. */
export async function withJudged<T>(
  star: Star,
  options: JudgeOptions,
  use: (judged: JudgedStar) => Promise<T> | T,
): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'etl3-judged-'))
  const engine = await Engine.open({ memoryLimitMb: 256, threads: 1, scratch: root })
  try {
    await writeStar(root, star)
    return await use(await judge(root, engine, options))
  } finally {
    engine.close()
    rmSync(root, { recursive: true, force: true })
  }
}

/** Judges a star that needs nothing but its results. */
export async function judged(star: Star, options: JudgeOptions = {}): Promise<JudgedStar> {
  return await withJudged(star, options, (result) => result)
}

async function judge(root: string, engine: Engine, options: JudgeOptions): Promise<JudgedStar> {
  const folder = join(root, 'staged')
  mkdirSync(folder)
  const { partitionColumns, rules = {} } = options
  const config = configSchema.parse({
    input: { root, tables: { fact_rate: join(root, 'gold/fact_rate*.parquet') } },
    data_quality: { rules },
    ...(partitionColumns === undefined ? {} : { partitioning: { partition_columns: partitionColumns } }),
  })
  const ruleSet = ruleSetOf(config.data_quality, AS_OF)
  const layout = layoutOf(config.partitioning.partition_columns)
  const paths = pathsIn(folder)
  const signal = new AbortController().signal
  const tables = await checkSchemas(await findInputs(config, signal), engine)
  const findings = await checkKeys(tables, 'first', engine)
  await stageDimensions({ engine, inputs: selectInputs(tables), layout, folder })
  await stageAllFacts(engine, tables, folder)
  const factFiles = tables.find(({ name }) => name === 'fact_rate')?.files.map(({ path }) => path) ?? []
  const screen = await screened(root, { ...paths, factFiles }, ruleSet, folder)
  const plan = join(folder, 'plan.parquet')
  await planned(engine, paths, layout, plan)
  const table = await checkTable({
    engine,
    paths,
    plan,
    rules: ruleSet,
    partitionColumns: layout.columns,
    dimensions: findings.filter((t) => t.files > 0 && t.name !== 'fact_rate' && contractOf(t.name).key.length > 0),
    before: options.before,
  })
  const results = [...screen.rules, ...table.rules]
  return {
    root,
    staged: paths,
    screen,
    table,
    results,
    quarantine: await engine.rows(`SELECT * FROM ${readParquet([join(folder, 'quarantine.parquet')])}`),
    violated: results
      .filter((r) => r.outcome === 'warned' || r.outcome === 'failed')
      .map((r) => (r.subject === null ? r.name : `${r.name}: ${r.subject}`)),
    result(name, subject) {
      const found = results.filter((r) => r.name === name && (subject === undefined || r.subject === subject))
      if (found.length !== 1 || !found[0]) throw new Error(`${found.length} results of ${name} ${subject ?? ''}`)
      return found[0]
    },
  }
}

/** With an engine of its own, as the activity does it. */
async function screened(
  root: string,
  paths: StagedPaths & ScreenPaths,
  rules: RuleSet,
  folder: string,
): Promise<ScreenFindings> {
  const signal = new AbortController().signal
  const statements = await runStatements(rules.sql, paths, { memoryMb: 256, scratch: root, signal })
  const engine = await Engine.open({ memoryLimitMb: 256, threads: 1, scratch: root })
  try {
    await requirePatterns(engine, rules.patterns)
    return await screenFacts(engine, paths, rules, statements, folder)
  } finally {
    engine.close()
  }
}

async function planned(
  engine: Engine,
  paths: StagedPaths,
  layout: ReturnType<typeof layoutOf>,
  target: string,
): Promise<void> {
  await planPartitions({
    engine,
    paths,
    layout,
    inventory: inventory(engine, paths),
    valuesOf: await loadPartitionValues(engine, paths, layout),
    manifest: undefined,
    otherPlans: [],
    observed: nothing(),
    requireStorable: () => undefined,
    tellsApart: () => Promise.resolve(true),
    checksumOf: () => Promise.reject(new Error('nothing is published')),
    unitSeconds: 1,
    target,
  })
}

async function* inventory(engine: Engine, paths: StagedPaths): AsyncGenerator<InventoryEntry> {
  const star = await loadStagedStar(engine, paths)
  const quarantined = await loadQuarantined(engine, paths)
  yield* takeInventory(engine, star, await loadBlock(engine, star, 0), quarantined)
}

async function* nothing(): AsyncGenerator<never> {}
