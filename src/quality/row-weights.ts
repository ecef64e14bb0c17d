/**
 * How many rows of the table each entry of each axis has, from the staged star: a fact counts once per member of its
 * group, and no row is built for it. One scan over the facts; everything else hangs on the axes.
 */
import { type Engine, readParquet } from '../engine/engine.js'
import type { StagedPaths } from '../star/staged-files.js'

/** Sums over all rows. */
export interface RowTotals {
  readonly facts: number
  readonly rows: number
  /** Rows without an NPI. */
  readonly rowsWithoutNpi: number
  readonly rowsWithoutRate: number
  readonly rowsWithoutUid: number
  /** Mean of the dollar rates over rows, null where there is none. */
  readonly meanRate: number | null
}

/** Facts that are not set aside. */
export function writtenFacts(paths: StagedPaths): string {
  return `(SELECT * FROM ${readParquet([paths.facts])} WHERE fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])}))`
}

/** Leaves the tables `weights_attr`, `weights_code`, `weights_group` and `weights_npi` (id, rows). */
export async function weighRows(engine: Engine, paths: StagedPaths): Promise<RowTotals> {
  const members = readParquet([paths.members])
  await engine.run(`CREATE TEMP TABLE group_rows AS
    SELECT group_id, count(*) AS members, count(*) FILTER (npi_id < 0) AS unknown FROM ${members} GROUP BY group_id`)
  await engine.run(`CREATE TEMP TABLE weights AS
    SELECT f.attr_id, f.code_id, f.group_id, grouping(f.attr_id, f.code_id, f.group_id) AS axis,
      count(*) AS facts, sum(g.members)::BIGINT AS rows, sum(g.unknown)::BIGINT AS unknown, sum(f.negotiated_rate * g.members) AS rates,
      coalesce(sum(g.members) FILTER (f.negotiated_rate IS NULL), 0)::BIGINT AS no_rate,
      coalesce(sum(g.members) FILTER (f.uid_bytes = 0), 0)::BIGINT AS no_uid
    FROM ${writtenFacts(paths)} f JOIN group_rows g ON g.group_id = f.group_id
    GROUP BY GROUPING SETS ((f.attr_id), (f.code_id), (f.group_id))`)
  // grouping() sets the bit of each column that a set leaves out; the first column has the highest bit.
  for (const [axis, bits] of [
    ['attr', 0b011],
    ['code', 0b101],
    ['group', 0b110],
  ] as const) {
    await engine.run(
      `CREATE TEMP TABLE weights_${axis} AS SELECT ${axis}_id, facts, rows, unknown, rates, no_rate, no_uid FROM weights WHERE axis = ${bits}`,
    )
  }
  await engine.run(`CREATE TEMP TABLE weights_npi AS
    SELECT m.npi_id, sum(w.facts)::BIGINT AS rows FROM ${members} m JOIN weights_group w ON w.group_id = m.group_id
    WHERE m.npi_id >= 0 GROUP BY m.npi_id`)
  const totals =
    await engine.row(`SELECT sum(w.facts)::BIGINT AS facts, sum(w.rows)::BIGINT AS rows, sum(w.unknown)::BIGINT AS unknown,
      sum(w.no_rate)::BIGINT AS no_rate, sum(w.no_uid)::BIGINT AS no_uid,
      sum(w.rates ORDER BY w.attr_id) FILTER (dollar) AS rates, sum(w.rows) FILTER (dollar)::BIGINT AS dollar_rows
    FROM weights_attr w JOIN (
      SELECT attr_id, coalesce(lower(negotiated_type) <> 'percentage', false) AS dollar FROM ${readParquet([paths.attrs])}) a
    ON a.attr_id = w.attr_id`)
  const of = (name: string): number => Number(totals[name] ?? 0)
  const meanRate = of('rates') / of('dollar_rows')
  return {
    facts: of('facts'),
    rows: of('rows'),
    rowsWithoutNpi: of('unknown'),
    rowsWithoutRate: of('no_rate'),
    rowsWithoutUid: of('no_uid'),
    meanRate: Number.isFinite(meanRate) ? meanRate : null,
  }
}
