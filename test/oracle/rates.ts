/**
 * Rates by group as an analyst would ask for them: quantiles of DuckDB over the rows of the independent join. Shares
 * nothing with ETL3's own code.
 */
import type { DuckDBConnection, Json } from '@duckdb/node-api'
import { exactRows } from './exact-rows.js'
import { among, createOracleView, type OracleOptions, type StarTables } from './oracle-table.js'

const UNIT = `CASE WHEN ${among('v.negotiated_type', 'negotiated', 'derived', 'feeschedule')} THEN 'dollars'
  WHEN ${among('v.negotiated_type', 'perdiem')} THEN 'dollars per day'
  WHEN ${among('v.negotiated_type', 'caserate')} THEN 'dollars per case'
  WHEN ${among('v.negotiated_type', 'percentage', '%', 'percentoftotalbilledcharges')} THEN 'percent' ELSE 'unknown' END`

const CODE = ['code_type', 'code', 'code_name', 'rate_unit']

/** Columns that name a group, in the order of the file. */
export const KEYS = {
  rates: ['payer_slug', 'state', 'billing_class', ...CODE],
  rates_by_payer: ['payer_slug', 'billing_class', ...CODE],
} as const

/** A table of rates. */
export type RateTable = keyof typeof KEYS

/** Joins the star, with what the rates need of each row. Facts are told apart by their fact_uid, which must be unique. */
export async function createRateRows(
  connection: DuckDBConnection,
  tables: StarTables,
  options: OracleOptions,
): Promise<void> {
  await createOracleView(connection, tables, options)
  await connection.run(`CREATE OR REPLACE TEMP TABLE rate_rows AS
    SELECT v.*, ${UNIT} AS rate_unit, e.medicare_state,
      CASE WHEN isfinite(v.negotiated_rate) THEN v.negotiated_rate END AS rate
    FROM oracle_view v JOIN enriched e ON e.fact_uid = v.fact_uid AND e.npi IS NOT DISTINCT FROM v.npi`)
}

/** The rows that a table of rates is due to have, in no promised order, with every character of their texts. */
export async function dueRates(connection: DuckDBConnection, table: RateTable): Promise<Json[][]> {
  const keys = KEYS[table].join(', ')
  const same = (alias: string): string =>
    KEYS[table].map((key) => `${alias}.${key} IS NOT DISTINCT FROM g.${key}`).join(' AND ')
  const quartiles = (of: string): string => `quantile_disc(${of}, [0.25, 0.5, 0.75])`
  return await exactRows(
    connection,
    `WITH g AS (SELECT ${keys}, count(DISTINCT fact_uid) AS facts, count(*) AS rows, quantile_disc(rate, 0.5) AS of_rows
        FROM rate_rows GROUP BY ALL),
      f AS (SELECT ${keys}, count(rate) AS n, min(rate) AS lowest, ${quartiles('rate')} AS q, max(rate) AS highest
        FROM (SELECT DISTINCT ${keys}, fact_uid, rate FROM rate_rows) GROUP BY ALL),
      r AS (SELECT ${keys}, count(*) AS n, ${quartiles('ratio')} AS q
        FROM (SELECT DISTINCT ${keys}, state AS of_state, fact_uid, medicare_state, rate_to_medicare_ratio AS ratio FROM rate_rows
          WHERE rate IS NOT NULL AND rate_to_medicare_ratio IS NOT NULL) GROUP BY ALL)
      SELECT ${KEYS[table].map((key) => `g.${key}`).join(', ')}, g.facts, g.rows, f.n, f.lowest, f.q[1], f.q[2], f.q[3], f.highest,
        g.of_rows, coalesce(r.n, 0), r.q[1], r.q[2], r.q[3]
      FROM g JOIN f ON ${same('f')} LEFT JOIN r ON ${same('r')}`,
  )
}
