/** The rates of a run for the page: whole codes, those with the most facts first, up to a bound. */
import type { Cell, Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { numberedPieces } from './numbered-pieces.js'
import type { PageRates, RateGroups } from './page-data.js'
import { ValueList } from './value-list.js'

/** Groups of rates that a page holds, of each of the two tables. */
export const MOST_GROUPS = 50_000

/** Characters of all codes together: whoever has long texts for codes gets fewer of them. */
const MOST_CODE_CHARACTERS = 4_000_000

/** Characters of a code's name: the page shows it, and asks nothing by it. */
const MOST_NAME_CHARACTERS = 160

/** Digits of a ratio to Medicare; the page shows three. */
const RATIO_DIGITS = 6

/** Where the tables of rates lie. */
export interface RatesOfRun {
  /** Local paths. */
  readonly byState: string
  readonly byPayer: string
  /** Full address of the first. */
  readonly uri: string
}

/** Takes them: a code is on the page with all of its groups, or not at all. */
export async function takePageRates(
  engine: Engine,
  { byState, byPayer, uri }: RatesOfRun,
  most = MOST_GROUPS,
): Promise<PageRates> {
  await rankCodes(engine, { byState, byPayer }, most)
  const lists = { payers: new ValueList(), states: new ValueList(), classes: new ValueList(), units: new ValueList() }
  const codes = await takeCodes(engine)
  const groupsByPayer = await takeGroups(engine, byPayer, 'shown', lists)
  const groupsByState = await takeGroups(engine, byState, 'shown_by_state', lists)
  const left = await engine.row(`SELECT count(*) FILTER (NOT shown) AS codes,
    count(*) FILTER (shown AND NOT shown_by_state) AS codes_by_state FROM ranked_codes`)
  await engine.run('DROP TABLE ranked_codes')
  const { payers, states, classes, units } = lists
  return {
    ...codes,
    payers: payers.values,
    states: states.values,
    classes: classes.values,
    units: units.values,
    byPayer: groupsByPayer.groups,
    byState: { ...groupsByState.groups, state: groupsByState.state },
    left: { codes: Number(left['codes']), codesByState: Number(left['codes_by_state']) },
    uri,
  }
}

/** `ranked_codes`: the codes from the most used one on, `n` from 0, and which of them there is room for. */
async function rankCodes(
  engine: Engine,
  { byState, byPayer }: Pick<RatesOfRun, 'byState' | 'byPayer'>,
  most: number,
): Promise<void> {
  const room = (of: string, bound: number): string =>
    `sum(${of}) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) <= ${bound}`
  await engine.run(`CREATE OR REPLACE TEMP TABLE ranked_codes AS
    WITH of_payers AS (
      SELECT code_type, code, min(code_name) AS code_name, sum(facts)::BIGINT AS facts, count(*) AS groups
      FROM ${readParquet([byPayer])} GROUP BY code_type, code),
    of_states AS (SELECT code_type, code, count(*) AS groups FROM ${readParquet([byState])} GROUP BY code_type, code),
    counted AS (
      SELECT row_number() OVER (ORDER BY p.facts DESC, p.code NULLS FIRST, p.code_type NULLS FIRST) - 1 AS n,
        p.*, coalesce(s.groups, 0) AS groups_by_state, coalesce(length(p.code), 0) + coalesce(length(p.code_type), 0) AS characters
      FROM of_payers p LEFT JOIN of_states s
        ON s.code_type IS NOT DISTINCT FROM p.code_type AND s.code IS NOT DISTINCT FROM p.code),
    fitting AS (
      SELECT *, ${room('groups', most)} AND ${room('characters', MOST_CODE_CHARACTERS)} AS shown,
        ${room('groups_by_state', most)} AS fits_by_state FROM counted)
    SELECT *, shown AND fits_by_state AS shown_by_state FROM fitting`)
}

async function takeCodes(engine: Engine): Promise<Pick<PageRates, 'codeType' | 'code' | 'name' | 'facts'>> {
  const codes = {
    codeType: [] as (string | null)[],
    code: [] as (string | null)[],
    name: [] as (string | null)[],
    facts: [] as number[],
  }
  const shown = `SELECT n, code_type, code, CASE WHEN length(code_name) <= ${MOST_NAME_CHARACTERS} THEN code_name
      ELSE left(code_name, ${MOST_NAME_CHARACTERS - 1}) || '…' END AS code_name, facts
    FROM ranked_codes WHERE shown`
  for await (const piece of numberedPieces(engine, shown)) {
    for (const row of piece) {
      codes.codeType.push(textOrNull(row['code_type']))
      codes.code.push(textOrNull(row['code']))
      codes.name.push(textOrNull(row['code_name']))
      codes.facts.push(Number(row['facts']))
    }
  }
  return codes
}

interface ListsOfGroups {
  readonly payers: ValueList
  readonly states: ValueList
  readonly classes: ValueList
  readonly units: ValueList
}

async function takeGroups(
  engine: Engine,
  path: string,
  room: 'shown' | 'shown_by_state',
  { payers, states, classes, units }: ListsOfGroups,
): Promise<{ readonly groups: RateGroups; readonly state: readonly number[] }> {
  const isByState = room === 'shown_by_state'
  const groups = {
    from: [0],
    payer: [] as number[],
    billingClass: [] as number[],
    unit: [] as number[],
    facts: [] as number[],
    rows: [] as number[],
    min: [] as (number | null)[],
    p25: [] as (number | null)[],
    median: [] as (number | null)[],
    p75: [] as (number | null)[],
    max: [] as (number | null)[],
    ratio: [] as (number | null)[],
  }
  const state: number[] = []
  const last = isByState ? ', g.state NULLS FIRST' : ''
  // Payers as people look for them, in the same order for every code.
  const order = `c.n, g.payer_slug NULLS FIRST, g.billing_class NULLS FIRST, g.rate_unit${last}`
  const numbered = `SELECT row_number() OVER (ORDER BY ${order}) - 1 AS n, c.n AS code_no, g.*
    FROM ${readParquet([path])} g JOIN ranked_codes c
      ON c.code_type IS NOT DISTINCT FROM g.code_type AND c.code IS NOT DISTINCT FROM g.code WHERE c.${room}`
  for await (const piece of numberedPieces(engine, numbered)) {
    for (const row of piece) {
      // A code has a group at least, so places are known as soon as the next code begins.
      while (groups.from.length <= Number(row['code_no'])) groups.from.push(groups.payer.length)
      groups.payer.push(payers.numberOf(textOrNull(row['payer_slug'])))
      groups.billingClass.push(classes.numberOf(textOrNull(row['billing_class'])))
      groups.unit.push(units.numberOf(textOrNull(row['rate_unit'])))
      groups.facts.push(Number(row['facts']))
      groups.rows.push(Number(row['rows']))
      groups.min.push(numberOrNull(row['rate_min']))
      groups.p25.push(numberOrNull(row['rate_p25']))
      groups.median.push(numberOrNull(row['rate_median']))
      groups.p75.push(numberOrNull(row['rate_p75']))
      groups.max.push(numberOrNull(row['rate_max']))
      const ratio = numberOrNull(row['ratio_median'])
      groups.ratio.push(ratio === null ? null : Number(ratio.toPrecision(RATIO_DIGITS)))
      if (isByState) state.push(states.numberOf(textOrNull(row['state'])))
    }
  }
  if (groups.payer.length > 0) groups.from.push(groups.payer.length)
  return { groups, state }
}

function textOrNull(cell: Cell | undefined): string | null {
  return cell === null || cell === undefined ? null : String(cell)
}

function numberOrNull(cell: Cell | undefined): number | null {
  return cell === null || cell === undefined ? null : Number(cell)
}
