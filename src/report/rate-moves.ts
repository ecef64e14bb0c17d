/**
 * What moved between two runs: medians by code and payer, codes and payers that are new or gone. From the rates of both
 * runs, with all states together.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { pricedGroup, textOrNull } from './most-used-codes.js'
import type { RateMoves } from './run-report.js'

/** A median of fewer facts, in either run, jumps with each of them: that is no news. */
export const FEWEST_FACTS = 5

/** A median that moves by less is rounding. */
export const SMALLEST_MOVE = 0.01

const MOST_MOVES = 50
const MOST_CODES = 50
const MOST_PAYERS = 20

/** Local paths of `rates_by_payer.parquet` of both runs. */
export interface RatesOfRuns {
  readonly before: string
  readonly after: string
}

/** Compares the rates of two runs, the largest moves first. */
export async function takeRateMoves(engine: Engine, { before, after }: RatesOfRuns): Promise<RateMoves> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE rates_before AS FROM ${readParquet([before])}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE rates_after AS FROM ${readParquet([after])}`)
  return {
    ...(await medians(engine)),
    newPayers: await payersOnlyIn(engine, 'rates_after', 'rates_before'),
    gonePayers: await payersOnlyIn(engine, 'rates_before', 'rates_after'),
    newCodes: await codesOnlyIn(engine, 'rates_after', 'rates_before'),
    goneCodes: await codesOnlyIn(engine, 'rates_before', 'rates_after'),
  }
}

const GROUP = ['payer_slug', 'billing_class', 'code_type', 'code', 'rate_unit'] as const

function same(columns: readonly string[]): string {
  return columns.map((column) => `a.${column} IS NOT DISTINCT FROM b.${column}`).join(' AND ')
}

async function medians(engine: Engine): Promise<Pick<RateMoves, 'compared' | 'changed' | 'moved' | 'largest'>> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE medians AS
    SELECT ${GROUP.map((column) => `a.${column}`).join(', ')}, a.code_name, b.facts AS facts_before, a.facts AS facts_after,
      b.rate_median AS median_before, a.rate_median AS median_after,
      least(a.rate_count, b.rate_count) >= ${FEWEST_FACTS} AND a.rate_median > 0 AND b.rate_median > 0
        AND greatest(a.rate_median / b.rate_median, b.rate_median / a.rate_median) >= ${1 + SMALLEST_MOVE} AS moved
    FROM rates_after a JOIN rates_before b ON ${same(GROUP)}
    WHERE a.rate_median IS NOT NULL AND b.rate_median IS NOT NULL`)
  const counts =
    await engine.row(`SELECT count(*) AS compared, count(*) FILTER (median_before <> median_after) AS changed,
    count(*) FILTER (moved) AS moved FROM medians`)
  const largest = await engine.rows(`SELECT * FROM medians WHERE moved
    ORDER BY abs(ln(median_after / median_before)) DESC, facts_after DESC, ${GROUP.map((c) => `${c} NULLS FIRST`).join(', ')}
    LIMIT ${MOST_MOVES}`)
  return {
    compared: Number(counts['compared']),
    changed: Number(counts['changed']),
    moved: Number(counts['moved']),
    largest: largest.map((row) => ({
      ...pricedGroup(row),
      factsBefore: Number(row['facts_before']),
      factsAfter: Number(row['facts_after']),
      before: Number(row['median_before']),
      after: Number(row['median_after']),
    })),
  }
}

async function payersOnlyIn(engine: Engine, here: string, there: string): Promise<RateMoves['newPayers']> {
  const from = `FROM (SELECT payer_slug, sum(facts)::BIGINT AS facts FROM ${here} GROUP BY payer_slug) a
    WHERE NOT EXISTS (SELECT 1 FROM ${there} b WHERE ${same(['payer_slug'])})`
  const rows = await engine.rows(
    `SELECT payer_slug, facts ${from} ORDER BY facts DESC, payer_slug NULLS FIRST LIMIT ${MOST_PAYERS}`,
  )
  return {
    count: await engine.count(`SELECT count(*) ${from}`),
    payers: rows.map((row) => ({ payer: textOrNull(row['payer_slug']), facts: Number(row['facts']) })),
  }
}

/** Codes of payers that both runs have: of another payer every code would be new. */
async function codesOnlyIn(engine: Engine, here: string, there: string): Promise<RateMoves['newCodes']> {
  const from = `FROM (
      SELECT payer_slug, code_type, code, min(code_name) AS code_name, sum(facts)::BIGINT AS facts FROM ${here}
      GROUP BY payer_slug, code_type, code) a
    WHERE NOT EXISTS (SELECT 1 FROM ${there} b WHERE ${same(['payer_slug', 'code_type', 'code'])})
      AND EXISTS (SELECT 1 FROM ${there} b WHERE ${same(['payer_slug'])})`
  const rows = await engine.rows(`SELECT * ${from}
    ORDER BY facts DESC, payer_slug NULLS FIRST, code NULLS FIRST, code_type NULLS FIRST LIMIT ${MOST_CODES}`)
  return {
    count: await engine.count(`SELECT count(*) ${from}`),
    codes: rows.map((row) => ({
      payer: textOrNull(row['payer_slug']),
      codeType: textOrNull(row['code_type']),
      code: textOrNull(row['code']),
      name: textOrNull(row['code_name']),
      facts: Number(row['facts']),
    })),
  }
}
