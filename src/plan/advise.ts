/**
 * Which partition columns would serve queries best. Every layout that is compared takes its columns from the planned
 * ones, so its partitions are sums over the plan's: no enriched row is made for it.
 */
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier } from '../engine/sql.js'
import { manifestRelation } from '../partition-files/manifest-file.js'
import { plannedPartitions } from '../partition-files/plan-file.js'
import { UsageError } from '../runtime/errors.js'
import { type SizePoint, sizeInSql } from './size-curve.js'

/** What an engine could read in the time that it takes to open a file (Spark: `spark.sql.files.openCostInBytes`). */
export const OPEN_COST_BYTES = 4 * 1024 * 1024

/** Below this the time of a query is that of opening files. */
const SMALL_FILE_BYTES = 1024 * 1024

/** A reader asks for the footer, then for the columns. */
const GETS_PER_FILE = 2
/** S3 Standard, us-east-1, list prices in dollars per request: GET, and PUT or COPY. */
const GET_DOLLARS = 0.0004 / 1000
const PUT_DOLLARS = 0.005 / 1000
/** A changed object is put into the run's folder and copied to its place. */
const WRITES_PER_FILE = 2

/** Subsets of more columns than this are not tried: they would be hundreds. */
const MOST_USED_COLUMNS = 5

/** Sizes of a layout's files. */
export interface Spread {
  readonly p10: number
  readonly median: number
  readonly p99: number
}

/** A query by the columns that it names one value of each; none: it reads the whole table. */
export type TypicalQuery = readonly string[]

/** What a query costs in a layout, for a value drawn as often as rows have it. */
export interface QueryCost {
  readonly columns: TypicalQuery
  /** Objects that it opens. */
  readonly objects: number
  /** Bytes of these objects; a query reads those of its columns. */
  readonly bytes: number
}

/** One layout. */
export interface LayoutFigures {
  readonly columns: readonly string[]
  readonly partitions: number
  readonly rowsPerFile: Spread
  /** Estimated from files of the same number of rows. */
  readonly bytesPerFile: Spread
  readonly queries: readonly QueryCost[]
  /** Mean over the queries of bytes read, where opening a file counts as {@link OPEN_COST_BYTES}. Less is better. */
  readonly effortBytes: number
  /** Requests and dollars for writing all of the table, and for each of the queries a thousand times. */
  readonly writeRequests: number
  readonly writeDollars: number
  readonly thousandQueriesDollars: number
}

/** The comparison. */
export interface Advice {
  readonly queries: readonly TypicalQuery[]
  readonly configured: LayoutFigures
  /** All layouts, the best first; the configured one is among them. */
  readonly layouts: readonly LayoutFigures[]
  readonly chosen: LayoutFigures
  /** Whether the configured layout's median file is so small that opening it takes longer than reading it. */
  readonly smallFiles: boolean
}

/** What is compared. */
export interface AdviseInput {
  readonly engine: Engine
  /** Local plan or manifest: a row for each partition. */
  readonly partitions: string
  /** Whether that is a plan, which also holds what is removed. */
  readonly planned: boolean
  /** The configured partition columns. */
  readonly columns: readonly string[]
  readonly curve: readonly SizePoint[]
  /** Default: {@link typicalQueries}. */
  readonly queries?: readonly TypicalQuery[] | undefined
}

/** Queries that name each of the first three columns alone, the first two and three together, and none. */
export function typicalQueries(columns: readonly string[]): TypicalQuery[] {
  const [first, second, third] = columns
  const queries = [
    ...[first, second, third].map((column) => [column]),
    [first, second],
    [first, second, third],
    [],
  ].map((names) => names.filter((name) => name !== undefined))
  const known = new Map(queries.map((names) => [names.join(), names]))
  return [...known.values()]
}

/**
 * Compares the configured layout with its prefixes and with the subsets of the columns that the queries use most.
 *
 * @throws UsageError ETL3-PL-03 for a query by a column that is no partition column
 */
export async function advise(input: AdviseInput): Promise<Advice> {
  const { engine, columns, partitions, planned, curve } = input
  const queries = input.queries ?? typicalQueries(columns)
  refuseUnknown(queries, columns)
  const source = planned
    ? plannedPartitions(partitions, { columns: ['rows'], partitionColumns: columns })
    : manifestRelation([partitions], { columns: ['rows'], partitionColumns: columns })
  await engine.run(`CREATE OR REPLACE TEMP TABLE leaves AS SELECT ${identifiers(columns)}, rows FROM ${source}`)
  const layouts: LayoutFigures[] = []
  for (const layout of candidates(columns, queries)) layouts.push(await figuresOf(engine, layout, queries, curve))
  layouts.sort((a, b) => a.effortBytes - b.effortBytes || a.columns.length - b.columns.length)
  const configured = layouts.find((layout) => layout.columns.length === columns.length)
  const [chosen] = layouts
  if (!configured || !chosen) throw new Error('the configured layout was not compared')
  return { queries, configured, layouts, chosen, smallFiles: configured.bytesPerFile.median < SMALL_FILE_BYTES }
}

/** The prefixes, the longest first, and every subset of the columns that are used most; all in the configured order. */
function candidates(columns: readonly string[], queries: readonly TypicalQuery[]): string[][] {
  const uses = (column: string): number => queries.filter((query) => query.includes(column)).length
  const used = columns
    .filter((column) => uses(column) > 0)
    .sort((a, b) => uses(b) - uses(a) || columns.indexOf(a) - columns.indexOf(b))
    .slice(0, MOST_USED_COLUMNS)
  const subsets = Array.from({ length: 2 ** used.length }, (_, bits) => used.filter((_, i) => (bits >> i) & 1))
  const prefixes = columns.map((_, i) => columns.slice(0, columns.length - i))
  const all = [...prefixes, ...subsets]
    .filter((layout) => layout.length > 0)
    .map((layout) => columns.filter((column) => layout.includes(column)))
  return [...new Map(all.map((layout) => [layout.join(), layout])).values()]
}

async function figuresOf(
  engine: Engine,
  layout: readonly string[],
  queries: readonly TypicalQuery[],
  curve: readonly SizePoint[],
): Promise<LayoutFigures> {
  const keys = identifiers(layout)
  await engine.run(`CREATE OR REPLACE TEMP TABLE layout AS
    SELECT *, ${sizeInSql(curve, 'rows')} AS bytes FROM (SELECT ${keys}, sum(rows)::BIGINT AS rows FROM leaves GROUP BY ${keys})`)
  const row = await engine.row(`SELECT count(*)::BIGINT AS n,
    quantile_cont(rows, 0.1)::DOUBLE AS r10, median(rows)::DOUBLE AS r50, quantile_cont(rows, 0.99)::DOUBLE AS r99,
    quantile_cont(bytes, 0.1)::DOUBLE AS b10, median(bytes)::DOUBLE AS b50, quantile_cont(bytes, 0.99)::DOUBLE AS b99 FROM layout`)
  const figure = (name: string): number => Number(row[name] ?? 0)
  const costs: QueryCost[] = []
  for (const query of queries) costs.push(await costOf(engine, layout, query))
  const partitions = figure('n')
  const objects = mean(costs.map((cost) => cost.objects))
  return {
    columns: layout,
    partitions,
    rowsPerFile: { p10: figure('r10'), median: figure('r50'), p99: figure('r99') },
    bytesPerFile: { p10: figure('b10'), median: figure('b50'), p99: figure('b99') },
    queries: costs,
    effortBytes: mean(costs.map((cost) => cost.bytes + cost.objects * OPEN_COST_BYTES)),
    writeRequests: partitions * WRITES_PER_FILE,
    writeDollars: partitions * WRITES_PER_FILE * PUT_DOLLARS,
    thousandQueriesDollars: 1000 * objects * GETS_PER_FILE * GET_DOLLARS,
  }
}

/** A column that the layout lacks prunes nothing. */
async function costOf(engine: Engine, layout: readonly string[], query: TypicalQuery): Promise<QueryCost> {
  const pruning = layout.filter((column) => query.includes(column))
  const values = pruning.length === 0 ? '' : `GROUP BY ${identifiers(pruning)}`
  const row = await engine.row(`SELECT sum(n * rows) / sum(rows) AS objects, sum(bytes * rows) / sum(rows) AS bytes
    FROM (SELECT count(*) AS n, sum(rows) AS rows, sum(bytes) AS bytes FROM layout ${values})`)
  return { columns: query, objects: Number(row['objects'] ?? 0), bytes: Number(row['bytes'] ?? 0) }
}

function refuseUnknown(queries: readonly TypicalQuery[], columns: readonly string[]): void {
  const unknown = queries.flat().find((column) => !columns.includes(column))
  if (unknown === undefined) return
  throw new UsageError('ETL3-PL-03', `--queries: '${unknown}' is no partition column`, {
    hint: `The plan is partitioned by ${columns.join(', ')}.`,
  })
}

function identifiers(columns: readonly string[]): string {
  return columns.map(sqlIdentifier).join(', ')
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}
