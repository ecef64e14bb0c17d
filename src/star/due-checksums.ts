/**
 * What the rows of partitions are due to be, as rows and a checksum over all columns: by a plain join of the staged star
 * in the engine. It shares no code with the writer but the staged files and the data dictionary.
 *
 * A row's checksum is made from one hash for each side of the join. On the due side each hash is computed once for each
 * entry of a dimension: so no wide row is ever joined. The same is computed from what a file says
 * ({@link rowHash}), and by the writer from what it hands to the encoder (row-checksums.ts).
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { consecutiveGroups } from '../runtime/consecutive-groups.js'
import { type Axis, columnsOf } from './dictionary.js'
import { COMPUTED, HAS_BENCHMARK } from './enriched-sql.js'
import type { FactRange } from './fact-window.js'
import type { StagedPaths } from './staged-files.js'

/** Sides of the join. The order is that of the hashes in {@link rowHash}. */
const SIDES: readonly Axis[] = ['attr', 'code', 'group', 'fact', 'rate', 'npi', 'benchmark', 'ratio', 'above']

/** Which rows are asked for. */
export interface AskedRows {
  readonly paths: StagedPaths
  readonly block: number
  /** Staged rows of the facts; disjoint. */
  readonly ranges: readonly FactRange[]
  /** Table with `slice_id` and `cell_id` (of any block): only these. Unset: all cells of the block. */
  readonly only?: string
}

/** Facts of one statement: what it joins them to is bounded by them, however large a dimension is. */
const FACTS_AT_ONCE = 131_072

/** SQL of the hash of a row over all columns of the file, from a relation that has them. */
export function rowHash(): string {
  return `hash(${SIDES.map(sideHash).join(', ')})`
}

/**
 * Makes the table `due_sums`: `slice_id`, `cell_id`, `rows` and `checksum`, which is the sum of all hashes of rows.
 *
 * @param factsAtOnce facts of one statement, if not as many as usual
 */
export async function sumDueRows(engine: Engine, due: AskedRows, factsAtOnce = FACTS_AT_ONCE): Promise<void> {
  const { attrs, groups } = due.paths
  const exceedsFacts = async (path: string): Promise<boolean> =>
    (await engine.count(`SELECT count(*) FROM ${readParquet([path])}`)) > factsAtOnce
  const large = { attrs: await exceedsFacts(attrs), groups: await exceedsFacts(groups) }
  const types = 'slice_id INTEGER, cell_id INTEGER, rows BIGINT, checksum HUGEINT'
  await engine.run(`CREATE OR REPLACE TEMP TABLE due_parts (${types})`)
  const pieces = due.ranges.flatMap((range) => cutEvery(range, factsAtOnce))
  for (const part of consecutiveGroups(pieces, ({ from, to }) => to - from, { weight: factsAtOnce })) {
    await engine.runAsWritten(`INSERT INTO due_parts ${sumsOfPart(due, part, large)}`)
  }
  await engine.run(`CREATE OR REPLACE TEMP TABLE due_sums AS
    SELECT slice_id, cell_id, sum(rows)::BIGINT AS rows, sum(checksum)::HUGEINT AS checksum FROM due_parts GROUP BY ALL`)
  await engine.run('DROP TABLE due_parts')
}

function cutEvery({ from, to }: FactRange, most: number): FactRange[] {
  return Array.from({ length: Math.ceil((to - from) / most) }, (_, i) => ({
    from: from + i * most,
    to: Math.min(to, from + (i + 1) * most),
  }))
}

/** Whether a dimension has more entries than facts are looked at in one statement. */
interface LargeSides {
  readonly attrs: boolean
  readonly groups: boolean
}

/** Written to be joined in this order: a fact meets what it has one of, then its members; every right side is bounded. */
function sumsOfPart({ paths, block, only }: AskedRows, part: readonly FactRange[], large: LargeSides): string {
  const hashed = (path: string, id: string, axis: Axis, more: readonly string[] = []): string =>
    `SELECT ${[id, ...more, `${sideHash(axis)} AS h`].join(', ')} FROM ${readParquet([path])}`
  // Numbers: they let the engine pass over whole row groups of the facts.
  const inPart = part.map(({ from, to }) => `fact_row >= ${from} AND fact_row < ${to}`).join(' OR ')
  const facts = `SELECT slice_id, code_id, group_id, attr_id, fact_uid, negotiated_rate FROM ${readParquet([paths.facts])}
      WHERE (${inPart}) ${only === undefined ? '' : `AND slice_id IN (SELECT slice_id FROM ${only})`}
        AND fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})`
  // Of a large dimension only what these facts need.
  const needed = (isLarge: boolean, id: string): string =>
    isLarge ? `${id} IN (SELECT ${id} FROM asked_facts)` : 'true'
  const sides: Readonly<Record<Axis, string>> = {
    attr: 'a.h',
    code: 'c.h',
    group: 'g.h',
    fact: 'hash(f.fact_uid)',
    rate: 'hash(f.negotiated_rate)',
    npi: `coalesce(n.h, ${hashOfNothing(paths.npis, 'npi')})`,
    benchmark: `coalesce(b.h, ${hashOfNothing(paths.benchmarks, 'benchmark')})`,
    ratio: `hash(${COMPUTED.ratio})`,
    above: `hash(${COMPUTED.above})`,
  }
  return `WITH asked_facts AS ${large.attrs || large.groups ? 'MATERIALIZED' : 'NOT MATERIALIZED'} (${facts})
    SELECT f.slice_id, m.cell_id, count(*) AS rows, sum(hash(${SIDES.map((axis) => sides[axis]).join(', ')})::HUGEINT) AS checksum
    FROM asked_facts f
    JOIN (${hashed(paths.attrs, 'attr_id', 'attr', ['year', 'is_dollar', 'benchmark_state'])}
          WHERE ${needed(large.attrs, 'attr_id')}) a ON a.attr_id = f.attr_id
    JOIN (${hashed(paths.codes, 'code_id', 'code')}) c ON c.code_id = f.code_id
    JOIN (${hashed(paths.groups, 'group_id', 'group')} WHERE ${needed(large.groups, 'group_id')}) g ON g.group_id = f.group_id
    JOIN (SELECT group_id, cell_id, npi_id FROM ${readParquet([paths.members])} WHERE block = ${block}
          ${only === undefined ? '' : `AND cell_id IN (SELECT cell_id FROM ${only})`}
          AND ${needed(large.groups, 'group_id')}) m ON m.group_id = f.group_id
    ${only === undefined ? '' : `JOIN ${only} o ON o.slice_id = f.slice_id AND o.cell_id = m.cell_id`}
    LEFT JOIN (SELECT npi_id, benchmark_state, ${sideHash('npi')} AS h FROM ${readParquet([paths.npis])} WHERE block = ${block}) n
      ON n.npi_id = m.npi_id
    LEFT JOIN (SELECT k.year, k.code_id, s.state, b.medicare_state_rate, b.h FROM ${readParquet([paths.benchmark_keys])} k
        JOIN ${readParquet([paths.states])} s ON s.state_id = k.state_id
        JOIN (${hashed(paths.benchmarks, 'bench_id', 'benchmark', ['medicare_state_rate'])}) b ON b.bench_id = k.bench_id) b
      ON ${HAS_BENCHMARK}
    GROUP BY f.slice_id, m.cell_id`
}

/** The hash of one side's columns. */
function sideHash(axis: Axis): string {
  return `hash(${columnsOf(axis)
    .map(({ name }) => sqlIdentifier(name))
    .join(', ')})`
}

/** The hash of a side on which nothing was found: all of its columns are NULL, in their types. */
function hashOfNothing(path: string, axis: Axis): string {
  return `(SELECT ${sideHash(axis)} FROM (SELECT 1) LEFT JOIN (SELECT * FROM ${readParquet([path])} WHERE false) ON true)`
}
