/**
 * What the rows of partitions are due to be, as rows and a checksum over all columns: by a plain join of the staged star
 * in the engine. It shares no code with the writer but the staged files and the data dictionary.
 *
 * A row's checksum is made from one hash for each side of the join. On the due side each hash is computed once for each
 * entry of a dimension: so no wide row is ever joined. The same is computed from what a file says
 * ({@link rowHash}), and by the writer from what it hands to the encoder (row-checksums.ts).
 */
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { type Axis, columnsOf } from './dictionary.js'
import { COMPUTED, HAS_BENCHMARK } from './enriched-sql.js'
import type { StagedPaths } from './staged-files.js'

/** Sides of the join. The order is that of the hashes in {@link rowHash}. */
const SIDES: readonly Axis[] = ['attr', 'code', 'group', 'fact', 'rate', 'npi', 'benchmark', 'ratio', 'above']

/** Which rows are asked for. */
export interface DueRows {
  readonly paths: StagedPaths
  readonly block: number
  /** SQL condition on the staged facts, in numbers: it lets the engine pass over whole row groups of them. */
  readonly facts: string
  /** Table with `slice_id` and `cell_id` (of any block): only these. Unset: all cells of the block. */
  readonly only?: string
}

/** SQL of the hash of a row over all columns of the file, from a relation that has them. */
export function rowHash(): string {
  return `hash(${SIDES.map(sideHash).join(', ')})`
}

/** SQL query: `slice_id`, `cell_id`, `rows` and `checksum`, which is the sum of all hashes of rows. */
export function dueChecksums({ paths, block, facts, only }: DueRows): string {
  const hashed = (path: string, id: string, axis: Axis, more: readonly string[] = []): string =>
    `(SELECT ${[id, ...more, `${sideHash(axis)} AS h`].join(', ')} FROM ${readParquet([path])})`
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
  return `SELECT f.slice_id, m.cell_id, count(*) AS rows, sum(hash(${SIDES.map((axis) => sides[axis]).join(', ')})::HUGEINT) AS checksum
    FROM (SELECT * FROM ${readParquet([paths.facts])} WHERE (${facts})
          ${only === undefined ? '' : `AND slice_id IN (SELECT slice_id FROM ${only})`}
          AND fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})) f
    JOIN (SELECT group_id, cell_id, npi_id FROM ${readParquet([paths.members])} WHERE block = ${block}
          ${only === undefined ? '' : `AND cell_id IN (SELECT cell_id FROM ${only})`}) m ON m.group_id = f.group_id
    ${only === undefined ? '' : `JOIN ${only} o ON o.slice_id = f.slice_id AND o.cell_id = m.cell_id`}
    JOIN ${hashed(paths.attrs, 'attr_id', 'attr', ['year', 'is_dollar', 'benchmark_state'])} a ON a.attr_id = f.attr_id
    JOIN ${hashed(paths.codes, 'code_id', 'code')} c ON c.code_id = f.code_id
    JOIN ${hashed(paths.groups, 'group_id', 'group')} g ON g.group_id = f.group_id
    LEFT JOIN (SELECT npi_id, benchmark_state, ${sideHash('npi')} AS h FROM ${readParquet([paths.npis])} WHERE block = ${block}) n
      ON n.npi_id = m.npi_id
    LEFT JOIN (SELECT k.year, k.code_id, s.state, b.medicare_state_rate, b.h FROM ${readParquet([paths.benchmark_keys])} k
        JOIN ${readParquet([paths.states])} s ON s.state_id = k.state_id
        JOIN ${hashed(paths.benchmarks, 'bench_id', 'benchmark', ['medicare_state_rate'])} b ON b.bench_id = k.bench_id) b
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
