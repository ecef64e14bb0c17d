/**
 * Rates by payer, state, billing class and code, exactly, from the staged star: no enriched row is made.
 *
 * A quartile is the lowest rate at or below which at least that part of the facts lies (`quantile_disc` of DuckDB,
 * `PERCENTILE_DISC` of the SQL standard): somebody has negotiated it. Facts count once in each group, not once for each
 * provider: a group of 800 providers has negotiated one rate.
 *
 * Memory: codes are taken in shards with a bounded number of links, and the facts of a shard are reduced to their
 * distinct rates before anything is sorted. What a single code has beyond that, the engine spills.
 */
import { join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import type { StagedPaths } from '../star/staged-files.js'
import { NEGOTIATED_TYPE } from '../star/vocabulary.js'
import { isTermSql } from '../star/vocabulary-sql.js'
import { PAYER_RATE_COLUMNS, RATE_COLUMNS, type RateColumn } from './rate-columns.js'

/**
 * Links of a fact (one for each state in which its group has providers) that a shard has at most, unless one code has
 * more. Measured: the engine sorts so many distinct rates within 96 MB without spilling.
 */
const LINKS_PER_SHARD = 500_000

/** Names of the files that {@link takeRates} leaves in its folder. */
export const RATE_FILES = { byState: 'rates.parquet', byPayer: 'rates_by_payer.parquet' } as const

/** What was taken. */
export interface RateTotals {
  /** Groups of each table. */
  readonly groups: number
  readonly payerGroups: number
  /** Of all groups together: those of the table. */
  readonly facts: number
  readonly rows: number
}

/** Writes both tables into `folder`, sorted by payer and code. */
export async function takeRates(
  engine: Engine,
  paths: StagedPaths,
  folder: string,
  linksPerShard = LINKS_PER_SHARD,
): Promise<RateTotals> {
  await nameSides(engine, paths)
  await linkGroups(engine, paths)
  await engine.run(`CREATE TEMP TABLE by_state (${columnsSql(['terms_id', 'code_no', 'state_no'])})`)
  await engine.run(`CREATE TEMP TABLE by_payer (${columnsSql(['terms_id', 'code_no'])})`)
  for (const shard of await shardsOfCodes(engine, paths, linksPerShard)) {
    await reduceShard(engine, paths, shard)
    await takeFigures(engine, 'by_state', BY_STATE)
    await takeFigures(engine, 'by_payer', BY_PAYER)
  }
  await writeTable(engine, 'by_state', RATE_COLUMNS, join(folder, RATE_FILES.byState))
  await writeTable(engine, 'by_payer', PAYER_RATE_COLUMNS, join(folder, RATE_FILES.byPayer))
  const totals = await engine.row(`SELECT (SELECT count(*) FROM by_state) AS groups, count(*) AS payer_groups,
    coalesce(sum(facts), 0)::BIGINT AS facts, coalesce(sum(rows), 0)::BIGINT AS rows FROM by_payer`)
  return {
    groups: Number(totals['groups']),
    payerGroups: Number(totals['payer_groups']),
    facts: Number(totals['facts']),
    rows: Number(totals['rows']),
  }
}

/** SQL text: the unit of the rates of a negotiated_type. */
function unitSql(text: string): string {
  const { service, day, episode, percent } = {
    service: isTermSql(NEGOTIATED_TYPE, ['service'], text),
    day: isTermSql(NEGOTIATED_TYPE, ['day'], text),
    episode: isTermSql(NEGOTIATED_TYPE, ['episode'], text),
    percent: isTermSql(NEGOTIATED_TYPE, ['percent'], text),
  }
  return `CASE WHEN ${service} THEN 'dollars' WHEN ${day} THEN 'dollars per day' WHEN ${episode} THEN 'dollars per case'
    WHEN ${percent} THEN 'percent' ELSE 'unknown' END`
}

/** A state without a Medicare rate of its own. */
const NO_STATE = -1

/** Numbers for what groups are named by: payer, class and unit (`terms`), codes (`code_names`), states (`state_names`). */
async function nameSides(engine: Engine, { attrs, codes, npis, states }: StagedPaths): Promise<void> {
  await engine.run(`CREATE TEMP TABLE attr_terms AS
    SELECT a.attr_id, (dense_rank() OVER (ORDER BY a.payer_slug, a.billing_class, a.rate_unit) - 1)::INTEGER AS terms_id,
      a.payer_slug, a.billing_class, a.rate_unit,
      CASE WHEN a.is_dollar THEN a.year::INTEGER END AS year, coalesce(s.state_id, ${NO_STATE}) AS market_id
    FROM (SELECT *, ${unitSql('key_negotiated_type')} AS rate_unit FROM ${readParquet([attrs])}) a
    LEFT JOIN ${readParquet([states])} s ON s.state = a.benchmark_state`)
  await engine.run(
    'CREATE TEMP TABLE terms AS SELECT DISTINCT terms_id, payer_slug, billing_class, rate_unit FROM attr_terms',
  )
  // Several entries of the staged codes can be one code of the table: what is empty in a partition column is NULL.
  await engine.run(`CREATE TEMP TABLE code_numbers AS
    SELECT code_id, code_rank, code_type, code, code_name,
      (dense_rank() OVER (ORDER BY code NULLS FIRST, code_type NULLS FIRST) - 1)::INTEGER AS code_no,
      (dense_rank() OVER (ORDER BY code NULLS FIRST) - 1)::INTEGER AS place
    FROM ${readParquet([codes])}`)
  await engine.run(`CREATE TEMP TABLE code_names AS
    SELECT code_no, code_type, code, min(code_name) AS code_name FROM code_numbers GROUP BY ALL`)
  await engine.run(`CREATE TEMP TABLE state_names AS
    SELECT (row_number() OVER (ORDER BY state NULLS FIRST) - 1)::INTEGER AS state_no, state
    FROM (SELECT DISTINCT state FROM ${readParquet([npis])} UNION SELECT NULL)`)
}

/**
 * `links`: for each group the states of its providers and the states whose Medicare rates are theirs (NULL: that of the
 * fact's market), with the number of providers. `in_state` is true for one link of each state, `in_group` for one of each
 * group: over these a fact counts once. A state that is not known can have several Medicare rates: that of the market, and
 * those of territories by their country. `besides` names the others, so that none counts twice.
 */
async function linkGroups(engine: Engine, { members, npis, states }: StagedPaths): Promise<void> {
  await engine.run(`CREATE TEMP TABLE links AS
    SELECT *, row_number() OVER (PARTITION BY group_id, state_no) = 1 AS in_state,
      row_number() OVER (PARTITION BY group_id) = 1 AS in_group,
      CASE WHEN medicare_id IS NULL THEN list(medicare_id) FILTER (medicare_id IS NOT NULL) OVER (PARTITION BY group_id, state_no) END AS besides
    FROM (
      SELECT m.group_id, t.state_no,
        CASE WHEN n.benchmark_state IS NOT NULL THEN coalesce(s.state_id, ${NO_STATE}) END AS medicare_id, count(*)::INTEGER AS providers
      FROM ${readParquet([members])} m
      LEFT JOIN ${readParquet([npis])} n ON n.npi_id = m.npi_id
      JOIN state_names t ON t.state IS NOT DISTINCT FROM n.state
      LEFT JOIN ${readParquet([states])} s ON s.state = n.benchmark_state
      GROUP BY ALL)`)
}

/** Neighbouring codes, as ranks of the staged codes (inclusive). */
interface Shard {
  readonly from: number
  readonly to: number
}

/** Cuts the codes into shards; a code is never cut. */
async function shardsOfCodes(engine: Engine, paths: StagedPaths, linksPerShard: number): Promise<readonly Shard[]> {
  const rows = await engine.rows(`WITH linked AS (
      SELECT f.code_id, sum(g.links)::BIGINT AS links FROM ${keptFacts(paths)} f
      JOIN (SELECT group_id, count(*) AS links FROM links GROUP BY group_id) g ON g.group_id = f.group_id GROUP BY f.code_id),
    placed AS (
      SELECT n.place, min(n.code_rank) AS first, max(n.code_rank) AS last, sum(l.links) AS links
      FROM linked l JOIN code_numbers n ON n.code_id = l.code_id GROUP BY n.place),
    cut AS (SELECT *, ((sum(links) OVER (ORDER BY place) - links) // ${linksPerShard})::BIGINT AS shard FROM placed)
    SELECT min(first) AS first, max(last) AS last FROM cut GROUP BY shard ORDER BY shard`)
  return rows.map(({ first, last }) => ({ from: Number(first), to: Number(last) }))
}

/** `distinct_rates`: what is negotiated for the codes of a shard, each rate once, with how often it was. */
async function reduceShard(engine: Engine, paths: StagedPaths, { from, to }: Shard): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE distinct_rates AS
    SELECT a.terms_id, c.code_no, l.state_no, f.rate, r.medicare,
      count(*) FILTER (l.in_state) AS in_state, count(*) FILTER (l.in_group) AS in_group,
      count(*) FILTER (NOT coalesce(list_contains(l.besides, a.market_id), false)) AS compared, sum(l.providers)::BIGINT AS rows
    FROM (SELECT code_id, attr_id, group_id, CASE WHEN isfinite(negotiated_rate) THEN negotiated_rate + 0 END AS rate
          FROM ${keptFacts(paths)} WHERE code_rank BETWEEN ${from} AND ${to}) f
    JOIN attr_terms a ON a.attr_id = f.attr_id
    JOIN code_numbers c ON c.code_id = f.code_id
    JOIN links l ON l.group_id = f.group_id
    LEFT JOIN (
      SELECT k.year, k.code_id, k.state_id, b.medicare_state_rate AS medicare
      FROM ${readParquet([paths.benchmark_keys])} k JOIN ${readParquet([paths.benchmarks])} b ON b.bench_id = k.bench_id
      WHERE b.medicare_state_rate > 0 AND NOT isnan(b.medicare_state_rate)) r
    ON r.year = a.year AND r.code_id = f.code_id AND r.state_id = coalesce(l.medicare_id, a.market_id)
    GROUP BY ALL`)
}

function keptFacts({ facts, quarantined }: StagedPaths): string {
  return `(SELECT * FROM ${readParquet([facts])} WHERE fact_row NOT IN (SELECT fact_row FROM ${readParquet([quarantined])}))`
}

/** How facts are put together. */
interface Grouping {
  readonly key: string
  /** Of `distinct_rates`: in which column each fact of a group counts once. */
  readonly facts: 'in_state' | 'in_group'
}

const BY_STATE: Grouping = { key: 'terms_id, code_no, state_no', facts: 'in_state' }
const BY_PAYER: Grouping = { key: 'terms_id, code_no', facts: 'in_group' }

/** Adds the figures of the shard's groups to a table. */
async function takeFigures(engine: Engine, table: string, { key, facts }: Grouping): Promise<void> {
  const quartile = (value: string, name: string, part: number): string =>
    `min(${value}) FILTER (4 * ${name}_upto >= ${part} * ${name}_total)`
  const running = (of: string, name: string, value: string): string =>
    `sum(${of}) OVER (PARTITION BY ${key} ORDER BY ${value} ROWS UNBOUNDED PRECEDING) AS ${name}_upto,
      sum(${of}) OVER (PARTITION BY ${key}) AS ${name}_total`
  await engine.run(`INSERT INTO ${table}
    WITH counted AS (
      SELECT ${key}, sum(${facts})::BIGINT AS facts, sum(rows)::BIGINT AS rows FROM distinct_rates GROUP BY ALL),
    -- Rates that are no numbers are not among what is sorted: they would count for totals.
    rates AS (
      SELECT ${key}, rate, sum(${facts})::BIGINT AS facts, sum(rows)::BIGINT AS rows FROM distinct_rates
      WHERE rate IS NOT NULL GROUP BY ALL),
    rated AS (
      SELECT ${key}, max(facts_total) AS n, min(rate) AS lowest, ${quartile('rate', 'facts', 1)} AS p25,
        ${quartile('rate', 'facts', 2)} AS p50, ${quartile('rate', 'facts', 3)} AS p75, max(rate) AS highest,
        ${quartile('rate', 'rows', 2)} AS of_rows
      FROM (SELECT ${key}, rate, ${running('facts', 'facts', 'rate')}, ${running('rows', 'rows', 'rate')} FROM rates) GROUP BY ALL),
    ratios AS (
      SELECT ${key}, rate / medicare AS ratio, sum(compared)::BIGINT AS facts FROM distinct_rates
      WHERE rate IS NOT NULL AND medicare IS NOT NULL GROUP BY ALL),
    compared AS (
      SELECT ${key}, max(facts_total) AS n, ${quartile('ratio', 'facts', 1)} AS p25, ${quartile('ratio', 'facts', 2)} AS p50,
        ${quartile('ratio', 'facts', 3)} AS p75
      FROM (SELECT ${key}, ratio, ${running('facts', 'facts', 'ratio')} FROM ratios) GROUP BY ALL)
    SELECT ${key}, c.facts, c.rows, coalesce(r.n, 0)::BIGINT, r.lowest, r.p25, r.p50, r.p75, r.highest, r.of_rows,
      coalesce(m.n, 0)::BIGINT, m.p25, m.p50, m.p75
    FROM counted c LEFT JOIN rated r USING (${key}) LEFT JOIN compared m USING (${key})`)
}

const SQL_TYPES: Readonly<Record<RateColumn['type'], string>> = {
  string: 'VARCHAR',
  bigint: 'BIGINT',
  double: 'DOUBLE',
}

const FIGURES = RATE_COLUMNS.filter(({ type }) => type !== 'string')

function columnsSql(keys: readonly string[]): string {
  const figures = FIGURES.map(({ name, type }) => `${sqlIdentifier(name)} ${SQL_TYPES[type]}`)
  return [...keys.map((key) => `${key} INTEGER`), ...figures].join(', ')
}

async function writeTable(engine: Engine, table: string, columns: readonly RateColumn[], path: string): Promise<void> {
  const names = columns.map(({ name }) => sqlIdentifier(name)).join(', ')
  const states = table === 'by_state' ? 'JOIN state_names USING (state_no)' : ''
  const state = table === 'by_state' ? ', state NULLS FIRST' : ''
  await engine.run(`COPY (
    SELECT ${names} FROM ${table} JOIN terms USING (terms_id) JOIN code_names USING (code_no) ${states}
    ORDER BY payer_slug NULLS FIRST, code NULLS FIRST, code_type NULLS FIRST, billing_class NULLS FIRST, rate_unit${state})
    TO ${sqlString(path)} (FORMAT parquet, COMPRESSION zstd)`)
}
