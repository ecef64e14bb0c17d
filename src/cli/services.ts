/**
 * The machinery behind the commands, loaded when a command needs it: Temporal's client and DuckDB take half a second
 * each, and `--help` should not.
 */

import type { Config } from '../config/schema.js'
import type { RunsToCompare } from '../history/compare-rates.js'
import type { ExploreRequest } from '../history/explore-run.js'
import type { RowQuestion } from '../history/follow-row.js'
import type { FollowedRow } from '../history/followed-row.js'
import type { Explanation, PlanQuestion } from '../history/plan-answers.js'
import type { UnfinishedRun } from '../history/unfinished-run.js'
import type { VacuumRequest, VacuumResult } from '../history/vacuum.js'
import type { QueryRequest } from '../lake/query.js'
import type { Advice, TypicalQuery } from '../plan/advise.js'
import type { CurrentRecord } from '../records/current.js'
import type { RateMoves } from '../report/run-report.js'
import type { FoundReport } from './runs/run-reports.js'
import type { OpenRunsOptions, Runs } from './runs/runs.js'
import type { Schedules } from './runs/schedules.js'

/** A question to the catalog. */
export interface CatalogQuery {
  readonly config: Config
  readonly sql: string
  readonly signal: AbortSignal
  /** A run, or a time: the state of the table that is asked. Unset: the published one. */
  readonly asOf?: string
}

/** Its answer, piece by piece. */
export interface CatalogAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly pieces: AsyncIterable<readonly (readonly unknown[])[]>
  /** Files of the table that the predicates leave; undefined where no rows of it are read, or the engine does not tell. */
  readonly filesScanned?: number | undefined
  /** Files of the table. */
  readonly filesOfTable?: number | undefined
}

/** What commands ask of the rest of ETL3. */
export interface CliServices {
  /** Finds or starts a server and a worker. */
  openRuns(options: OpenRunsOptions): Promise<Runs>
  /** A server that is there already, or undefined; starts nothing. */
  findRuns(options: OpenRunsOptions): Promise<Runs | undefined>
  /** The schedules of the configured server, or of the one at the default address. */
  openSchedules(config: Config): Promise<Schedules>
  /** Asks the catalog; the answer comes while `receive` takes it. Its errors come out as they are. */
  askCatalog(query: CatalogQuery, receive: (answer: CatalogAnswer) => Promise<void>): Promise<void>
  /** Asks the catalog and writes the answer to a Parquet file. @returns its rows */
  answerToParquet(query: CatalogQuery, path: string): Promise<number>
  /** Finds what may go, and deletes it on request. */
  vacuum(request: VacuumRequest): Promise<VacuumResult>
  /** The run that the table shows, or undefined when nothing is published yet. */
  publishedRun(config: Config, signal: AbortSignal): Promise<CurrentRecord | undefined>
  /** The report of a run; of the published one when none is named. */
  findReport(config: Config, runId: string | undefined, signal: AbortSignal): Promise<FoundReport>
  /** A page in which the rates and partitions of a run are searched. */
  explorePage(request: ExploreRequest): Promise<string>
  /** What moved between the rates of two runs; undefined where one of them kept none. */
  compareRates(runs: RunsToCompare): Promise<RateMoves | undefined>
  /** The run that was begun last and did not come to its end, or undefined when there is none. */
  unfinishedRun(config: Config, signal: AbortSignal): Promise<UnfinishedRun | undefined>
  /** Why partitions of a plan are written, kept or removed: the named ones, or so many of the changed ones. */
  explainPlan(
    plan: PlanQuestion,
    ask: { readonly named: string | undefined; readonly top: number },
  ): Promise<Explanation>
  /** Follows one row from the input to the table. */
  followRow(question: RowQuestion): Promise<FollowedRow>
  /** Compares the layout of a plan with others. */
  advisePlan(plan: PlanQuestion, queries: readonly TypicalQuery[] | undefined): Promise<Advice>
}

/** The real machinery. */
export function realServices(env: Readonly<Record<string, string | undefined>>): CliServices {
  return {
    async openRuns(options) {
      const { openSession } = await import('../runtime/session.js')
      const { config, workflowId, log } = options
      const onNotice = (line: string): void => options.onNotice(line)
      const session = await openSession({ config, workflowId, log, onNotice, env })
      // Afterwards: it needs Temporal's client, which is loaded while the server starts.
      const { TemporalRuns } = await import('./runs/temporal-runs.js')
      return new TemporalRuns(session, env)
    },
    async findRuns(options) {
      const { findRuns } = await import('./runs/find-runs.js')
      return await findRuns(options, env)
    },
    async openSchedules(config) {
      const { openSchedules } = await import('./runs/temporal-schedules.js')
      return await openSchedules(config, env)
    },
    async askCatalog(query, receive) {
      const { withAnswer } = await import('../lake/queries.js')
      await withAnswer(await atItsTime(query), receive)
    },
    async answerToParquet(query, path) {
      const { answerToParquet } = await import('../lake/queries.js')
      return await answerToParquet(await atItsTime(query), path)
    },
    async vacuum(request) {
      const { vacuum } = await import('../history/vacuum.js')
      return await vacuum(request)
    },
    async publishedRun(config, signal) {
      const [{ readCurrent }, { openMetadata }] = await Promise.all([
        import('../records/current.js'),
        import('../lake/stores.js'),
      ])
      return await readCurrent(openMetadata(config), signal)
    },
    async findReport(config, runId, signal) {
      const { findReport } = await import('./runs/run-reports.js')
      return await findReport(config, runId, signal)
    },
    async explorePage(request) {
      const { exploreRun } = await import('../history/explore-run.js')
      return await exploreRun(request)
    },
    async compareRates(runs) {
      const { compareRates } = await import('../history/compare-rates.js')
      return await compareRates(runs)
    },
    async unfinishedRun(config, signal) {
      const [{ findUnfinishedRun }, { openMetadata }] = await Promise.all([
        import('../history/unfinished-run.js'),
        import('../lake/stores.js'),
      ])
      return await findUnfinishedRun(openMetadata(config), signal)
    },
    async explainPlan(plan, ask) {
      const { explainPlan } = await import('../history/plan-answers.js')
      return await explainPlan(plan, ask)
    },
    async followRow(question) {
      const { followRow } = await import('../history/follow-row.js')
      return await followRow(question)
    },
    async advisePlan(plan, queries) {
      const { advisePlan } = await import('../history/plan-answers.js')
      return await advisePlan(plan, queries)
    },
  }
}

/** @throws UsageError ETL3-IC-07 where there is no such state, ETL3-QU-07 where the engine is told in its SQL */
async function atItsTime({ asOf, ...query }: CatalogQuery): Promise<QueryRequest> {
  if (asOf === undefined) return query
  const [{ isOnAws }, { snapshotAt }, { UsageError }, { analyticsTableName }] = await Promise.all([
    import('../lake/catalogs.js'),
    import('../analytics/snapshot-at.js'),
    import('../runtime/errors.js'),
    import('../config/analytics-place.js'),
  ])
  if (isOnAws(query.config)) {
    throw new UsageError('ETL3-QU-07', 'Athena takes the time in its SQL, not by --as-of', {
      hint: `SELECT … FROM ${analyticsTableName(query.config)} FOR TIMESTAMP AS OF TIMESTAMP '2026-08-01 12:00:00 UTC'`,
    })
  }
  return { ...query, snapshot: await snapshotAt(query.config, asOf, query.signal) }
}
