/** Gathers what the report of a run says: from its records, its plan and manifest, and the staged star. */

import type { ReportInput } from '../contract/activities.js'
import type { RunResult, RunStatus } from '../contract/messages.js'
import { openCatalog } from '../lake/catalogs.js'
import { MANIFEST_FORMAT } from '../partition-files/manifest-file.js'
import { filesToWrite, findAnalyticsPlan } from '../records/analytics.js'
import { type CurrentRecord, readCurrent } from '../records/current.js'
import { parseInputsRecord } from '../records/inputs.js'
import { fetchManifest } from '../records/manifest.js'
import { fetchPlan, findPlan, type PlanRecord } from '../records/plan.js'
import { findRates, RATES_BY_PAYER } from '../records/rates.js'
import { RunRecords } from '../records/records.js'
import { stagedPaths } from '../records/staged.js'
import { readWorkerRecords } from '../records/worker.js'
import { takeChanges } from '../report/changes.js'
import { takeContents } from '../report/contents.js'
import { takeMostUsedCodes } from '../report/most-used-codes.js'
import { takePlacement } from '../report/placement.js'
import { takeRateMoves } from '../report/rate-moves.js'
import { type Contents, contentsSchema, type RunCourse, type RunReport } from '../report/run-report.js'
import { warningSources } from '../report/warning-sources.js'
import { leftOutOf } from '../star/inputs.js'
import { analyticsResult } from './analytics-result.js'
import { findAudit } from './balance-ledger.js'
import { findQuality } from './check-quality.js'
import type { ActivityDeps } from './deps.js'
import { ENCODING_VERSION } from './encoding-version.js'
import { localRates } from './keep-rates.js'
import { lacksOfRoom } from './room-to-write.js'
import { type RunContext, withEngine } from './run-context.js'
import { type CourseInput, courseOf } from './run-course.js'
import { findScreen } from './screen-facts.js'
import { dimensionsRecordSchema, factsRecordSchema } from './staging.js'

/** Record of the figures that are taken from the staged star; every report of the run shares it. */
const CONTENTS = 'contents.json'

/** What is asked. */
export interface GatherInput {
  readonly context: RunContext
  readonly input: ReportInput
  readonly status: RunStatus
  readonly deps: ActivityDeps
  readonly signal: AbortSignal
}

/** Puts the report together. The table's bytes are known of a published run only. */
export async function gatherReport({ context, input, status, deps, signal }: GatherInput): Promise<RunReport> {
  const { records, record, config, table, layout } = context
  const plan = await findPlan(context, signal)
  const screen = await findScreen(context, signal)
  const quality = status === 'planned' ? undefined : await findQuality(records, signal)
  const inputs = await records.find('inputs.json', parseInputsRecord, signal)
  const dimensions = await records.find('dimensions.json', (v) => dimensionsRecordSchema.parse(v), signal)
  const staged = await records.find('facts.json', (v) => factsRecordSchema.parse(v), signal)
  if (!plan || !screen || !inputs || !dimensions || !staged)
    throw new Error(`run ${records.runId} lacks records for its report`)
  const audit = status === 'published' ? await findAudit(context, signal) : undefined
  const current = await readCurrent(records.store, signal)
  const contents = await contentsOf(context, deps, signal)
  const rates = await ratesOf(context, current, deps, signal)
  const { changes, placement, bytes } = await tableFigures(context, { current, status, deps, signal })
  const analytics = await analyticsResult(context, status, signal)
  const uriOf = (name: string): string => records.store.locate(records.key(name))
  const course = courseOf({
    input,
    workers: await workersOf(context, deps, signal),
    amounts: amountsOf(screen.facts, plan),
  })
  // A plan ends before the gate: it has what the screen found.
  const rules = quality?.rules ?? screen.rules
  const sources = warningSources(rules)
  // The report cannot say how long it takes to write itself.
  const { report: _, ...seconds } = input.seconds
  return {
    formatVersion: 2,
    result: {
      formatVersion: 1,
      runId: records.runId,
      workflowId: input.run.workflowId,
      status,
      facts: screen.facts,
      quarantined: screen.quarantined,
      rows: plan.rows,
      partitions: plan.partitions,
      bytes,
      peakMemoryMb: Math.max(input.peakMemoryMb, deps.sampler.peaks().peakMb),
      memoryLimitMb: course.workerLimitMb,
      seconds: { ...seconds, total: (Date.now() - input.startedAtMs) / 1000 },
      warnings: input.warnings,
      ...(sources.length > 0 ? { warningSources: sources } : {}),
      leftOut: leftOutOf(record.inputs),
      tableWarnings: plan.tableWarnings,
      ...(status === 'published' ? {} : { toWrite: await toWriteOf(context, plan, deps, signal) }),
      outputUri: table.uri,
      table: `${config.athena.database}.${config.athena.table}`,
      catalogUri: (await openCatalog(config)).uri,
      reportUri: uriOf('report.html'),
      receiptUri: uriOf('receipt.json'),
      ...(analytics ? { analytics } : {}),
    },
    lockNumber: input.run.lockNumber,
    startedAt: record.startedAt,
    finishedAt: new Date().toISOString(),
    previous: current === undefined ? null : previousOf(current),
    versions: { etl3: record.engine, encoding: ENCODING_VERSION },
    work: record.work,
    partitionColumns: layout.columns,
    inputs: record.inputs.map(({ name, files }) => ({
      ...inputs.findings.find((f) => f.name === name),
      name,
      files: files.map(({ path, bytes: size, sha256 }) => ({ path, bytes: size, sha256 })),
    })),
    inputWarnings: [...inputs.warnings],
    dimensions: { ...dimensions.counts, benchmarks: staged.benchmarks },
    rules,
    audit: audit ?? null,
    changes,
    contents,
    rates,
    placement,
    course,
    ...(analytics?.committed ? { partitionsSince: endOfPublishing(input.startedAtMs, course) } : {}),
  }
}

/** The partitions that a run would write: about how much that is, and whether there is room for it. */
async function toWriteOf(
  context: RunContext,
  plan: PlanRecord,
  { budget }: ActivityDeps,
  signal: AbortSignal,
): Promise<NonNullable<RunResult['toWrite']>> {
  const analyticsPlan = await findAnalyticsPlan(context, signal)
  const analytics = analyticsPlan && filesToWrite(analyticsPlan)
  return {
    files: plan.partitions.added + plan.partitions.replaced,
    estimatedBytes: plan.bytesToWrite ?? 0,
    lacks: lacksOfRoom(context, { plan, analytics }, budget.limitMb),
  }
}

/** When the last partition was in its place; null where no worker noted it. */
function endOfPublishing(startedAtMs: number, { phases }: RunCourse): string | null {
  const publish = phases.find(({ phase }) => phase === 'publish')
  if (!publish || publish.startSeconds === null) return null
  return new Date(startedAtMs + (publish.startSeconds + publish.seconds) * 1000).toISOString()
}

function previousOf({ runId, publishedAt, published }: CurrentRecord): RunReport['previous'] {
  const { rows, partitions, bytes } = published
  return { runId, publishedAt, rows, partitions: partitions.total, bytes }
}

/** The figures of the staged star, taken once: `plan`, `validate` and `run` of the same work have the same. */
async function contentsOf(context: RunContext, deps: ActivityDeps, signal: AbortSignal): Promise<Contents> {
  const { records, scratch } = context
  const parse = (value: unknown): Contents => contentsSchema.parse(value)
  const known = await records.find(CONTENTS, parse, signal)
  if (known) return known
  const paths = await stagedPaths(context, signal)
  const contents = await withEngine(deps, scratch, signal, (engine) => takeContents(engine, paths))
  return await records.saveOnce(CONTENTS, contents, parse, signal)
}

/** What the table pays, and what moved since the run that it showed before. */
async function ratesOf(
  context: RunContext,
  current: CurrentRecord | undefined,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<NonNullable<RunReport['rates']>> {
  const { scratch } = context
  const after = (await localRates(context, deps, signal)).byPayer
  const before = current && (await ratesOfRun(context, current.runId, signal))
  return await withEngine(deps, scratch, signal, async (engine) => ({
    mostUsed: await takeMostUsedCodes(engine, after),
    moves: before === undefined ? null : await takeRateMoves(engine, { before, after }),
  }))
}

/** Local path of another run's rates; undefined where it kept none. */
async function ratesOfRun(
  { records: { store }, scratch }: RunContext,
  runId: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const records = new RunRecords(store, runId)
  if (!(await findRates({ records }, signal))) return undefined
  return await store.fetchLocal(records.key(RATES_BY_PAYER), scratch, signal)
}

async function tableFigures(
  { records, scratch, layout }: RunContext,
  {
    current,
    status,
    deps,
    signal,
  }: { current: CurrentRecord | undefined; status: RunStatus; deps: ActivityDeps; signal: AbortSignal },
): Promise<Pick<RunReport, 'changes' | 'placement'> & { readonly bytes: number }> {
  const { store } = records
  const plan = await fetchPlan({ records, scratch }, signal)
  const manifestBefore = current && (await fetchManifest(store, current.manifest, scratch, signal))
  const manifest =
    status === 'published' ? await fetchManifest(store, records.key(MANIFEST_FORMAT.name), scratch, signal) : undefined
  return await withEngine(deps, scratch, signal, async (engine) => {
    const changes = await takeChanges(engine, { plan, manifestBefore, partitionColumns: layout.columns })
    const placement = await takePlacement(engine, manifest ?? plan, manifest !== undefined)
    const bytes = await engine.count('SELECT coalesce(sum(bytes), 0)::BIGINT FROM placed')
    return { changes, placement, bytes }
  })
}

/** Of this worker as it stands, of the others as they were stored. */
async function workersOf(
  { records }: RunContext,
  { recorder }: ActivityDeps,
  signal: AbortSignal,
): Promise<CourseInput['workers']> {
  const own = recorder.record()
  const stored = await readWorkerRecords(records, signal)
  return [...stored.filter((w) => w.worker !== own.worker), own].toSorted((a, b) => (a.worker < b.worker ? -1 : 1))
}

function amountsOf(
  facts: number,
  { rows, rowsToWrite, partitions }: NonNullable<Awaited<ReturnType<typeof findPlan>>>,
): CourseInput['amounts'] {
  const toWrite = { count: partitions.added + partitions.replaced, unit: 'partitions' }
  return {
    validate: { count: facts, unit: 'facts' },
    stage: { count: facts, unit: 'facts' },
    screen: { count: facts, unit: 'facts' },
    plan: { count: rows, unit: 'rows' },
    write: { count: rowsToWrite, unit: 'rows' },
    audit: toWrite,
    publish: toWrite,
    register: { count: partitions.total, unit: 'partitions' },
  }
}
