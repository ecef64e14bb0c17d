/**
 * Enrichment once more, as one SQL join over the staged star: the audit's second opinion. It shares no code with the
 * writer but the staged files and the data dictionary.
 */
import { readParquet } from '../runtime/engine.js'
import { sqlIdentifier } from '../runtime/sql.js'
import { type Axis, DICTIONARY } from './dictionary.js'
import type { StagedPaths } from './staged-files.js'

const ALIAS: Readonly<Record<Axis, string>> = {
  attr: 'a',
  code: 'c',
  group: 'g',
  fact: 'f',
  npi: 'n',
  benchmark: 'b',
  rate: 'f',
  ratio: '',
  above: '',
}

/** Columns of the table in file order, as a list of SQL identifiers. */
export const FILE_COLUMNS = DICTIONARY.map((c) => sqlIdentifier(c.name)).join(', ')

/**
 * A SELECT of the enriched rows of some partitions: `ordinal` and all columns of the file.
 *
 * @param partitions name of a table with columns ordinal, slice_id, cell_id
 */
export function selectEnriched(paths: StagedPaths, partitions: string): string {
  const comparable = "lower(a.negotiated_type) <> 'percentage' AND b.medicare_state_rate > 0"
  const computed: Readonly<Record<string, string>> = {
    rate_to_medicare_ratio: `CASE WHEN ${comparable} THEN f.negotiated_rate / b.medicare_state_rate END`,
    is_above_medicare: `CASE WHEN ${comparable} THEN f.negotiated_rate > b.medicare_state_rate END`,
  }
  const columns = DICTIONARY.map(
    (c) => `${computed[c.name] ?? `${ALIAS[c.axis]}.${sqlIdentifier(c.name)}`} AS ${sqlIdentifier(c.name)}`,
  )
  return `SELECT p.ordinal, ${columns.join(', ')}
    FROM (SELECT * FROM ${readParquet([paths.facts])}
          WHERE slice_id BETWEEN (SELECT min(slice_id) FROM ${partitions}) AND (SELECT max(slice_id) FROM ${partitions})
            AND slice_id IN (SELECT slice_id FROM ${partitions})
            AND fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})) f
    JOIN ${readParquet([paths.members])} m ON m.group_id = f.group_id
    JOIN ${partitions} p ON p.slice_id = f.slice_id AND p.cell_id = m.cell_id
    JOIN ${readParquet([paths.attrs])} a ON a.attr_id = f.attr_id
    JOIN ${readParquet([paths.codes])} c ON c.code_id = f.code_id
    JOIN ${readParquet([paths.groups])} g ON g.group_id = f.group_id
    LEFT JOIN ${readParquet([paths.npis])} n ON n.npi_id = m.npi_id
    LEFT JOIN ${readParquet([paths.states])} s ON s.state = coalesce(n.state, a.market_state)
    LEFT JOIN ${readParquet([paths.benchmark_keys])} k ON k.year = a.year::INTEGER AND k.code_id = f.code_id AND k.state_id = s.state_id
    LEFT JOIN ${readParquet([paths.benchmarks])} b ON b.bench_id = k.bench_id`
}
