/** The most used codes of each payer, with what it pays for them: from the run's rates with all states together. */
import type { Cell, Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import type { PricedCode } from './run-report.js'

const MOST_PAYERS = 20
const MOST_CODES = 10

/**
 * Codes by payer: payers and codes with the most facts first.
 * @param byPayer local path of `rates_by_payer.parquet`
 */
export async function takeMostUsedCodes(engine: Engine, byPayer: string): Promise<readonly PricedCode[]> {
  const rows = await engine.rows(`WITH ranked AS (
      SELECT *, row_number() OVER (PARTITION BY payer_slug
          ORDER BY facts DESC, rows DESC, code NULLS FIRST, code_type NULLS FIRST, billing_class NULLS FIRST, rate_unit) AS place,
        sum(facts) OVER (PARTITION BY payer_slug) AS payer_facts FROM ${readParquet([byPayer])})
    SELECT * FROM (SELECT *, dense_rank() OVER (ORDER BY payer_facts DESC, payer_slug NULLS FIRST) AS payer FROM ranked)
    WHERE payer <= ${MOST_PAYERS} AND place <= ${MOST_CODES} ORDER BY payer, place`)
  return rows.map((row) => ({
    ...pricedGroup(row),
    facts: Number(row['facts']),
    rows: Number(row['rows']),
    p25: numberOrNull(row['rate_p25']),
    median: numberOrNull(row['rate_median']),
    p75: numberOrNull(row['rate_p75']),
    ratio: numberOrNull(row['ratio_median']),
  }))
}

type Row = Readonly<Record<string, Cell>>

/** What a row of the rates by payer is of. */
export function pricedGroup(
  row: Row,
): Pick<PricedCode, 'payer' | 'billingClass' | 'codeType' | 'code' | 'name' | 'unit'> {
  return {
    payer: textOrNull(row['payer_slug']),
    billingClass: textOrNull(row['billing_class']),
    codeType: textOrNull(row['code_type']),
    code: textOrNull(row['code']),
    name: textOrNull(row['code_name']),
    unit: String(row['rate_unit']),
  }
}

/** A text of a row, or null. */
export function textOrNull(cell: Cell | undefined): string | null {
  return cell === null || cell === undefined ? null : String(cell)
}

function numberOrNull(cell: Cell | undefined): number | null {
  return cell === null || cell === undefined ? null : Number(cell)
}
