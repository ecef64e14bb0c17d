/** Follows a fact: its rows in the input, the screen, the members of its group, its rows in the table. */
import type { Cell } from '../engine/engine.js'
import { sqlString } from '../engine/sql.js'
import { FILE_COLUMN } from '../star/look-at-table.js'
import { VALID_NPI } from '../star/stage-dimensions.js'
import { type FollowContext, inputChanged, lookingAt, publishedOf } from './follow-context.js'
import type { FactInInput, FollowedFact, GroupMembers } from './followed-row.js'
import type { InputSearch } from './input-search.js'
import { factsSetAside, findQuarantine } from './set-aside.js'

/** Rows of one fact_uid that are shown in full: where there are more, they say the same. */
const MOST_EXAMPLES = 10

const SHOWN = [
  ...['fact_uid', 'pg_uid', 'payer_slug', 'billing_class', 'code_type', 'code', 'year_month', 'state'],
  ...['negotiated_type', 'negotiated_rate'],
]

/** @throws what is no fault of the input: the errors of the store, of records and of the query to the table */
export async function followFact(context: FollowContext): Promise<FollowedFact> {
  const { id, published, scratch, signal } = context
  const seen = await context.search(async (input) => {
    const facts = await lookingAt(() => factsOf(input, id))
    const screen = published
      ? await lookingAt(async () => {
          const quarantine = await findQuarantine(published.records, scratch, signal)
          const condition = `fact_uid = ${sqlString(id)}`
          const setAside = await factsSetAside(input.engine, quarantine, condition, published.records, signal)
          return { setAside, quarantine: quarantine.address }
        })
      : null
    const uids = new Set([
      ...(facts.looked ? facts.perGroup.keys() : []),
      ...(screen?.looked ? screen.setAside.map(({ pgUid }) => pgUid) : []),
    ])
    const groups = await lookingAt(async () => ({ groups: await membersOf(input, [...uids]) }))
    return { facts, screen, groups, changed: await inputChanged(input, published) }
  })
  const { facts, screen, groups } = seen
  const rowsOf = new Map(groups.looked ? groups.groups.map(({ pgUid, providers }) => [pgUid, providers]) : [])
  const dueOf = (pgUid: string | null, facts: number): number => facts * Math.max(1, rowsOf.get(pgUid) ?? 0)
  let rowsDue: number | null = null
  if (facts.looked && groups.looked) {
    rowsDue = 0
    for (const [pgUid, count] of facts.perGroup) rowsDue += dueOf(pgUid, count)
    if (screen?.looked) for (const { pgUid } of screen.setAside) rowsDue -= dueOf(pgUid, 1)
    // What was set aside may have left the input since.
    rowsDue = Math.max(0, rowsDue)
  }
  return {
    kind: 'fact',
    id,
    published: publishedOf(context),
    missingRoot: context.missingRoot,
    input: facts.looked ? { looked: true, rows: facts.rows, files: facts.files, examples: facts.examples } : facts,
    screen,
    groups,
    rowsDue,
    inputChanged: seen.changed,
    table: await context.inTable('fact_uid'),
  }
}

interface FoundFacts {
  readonly rows: number
  readonly files: number
  readonly examples: readonly FactInInput[]
  /** How many of them each group has. */
  readonly perGroup: ReadonlyMap<string | null, number>
}

async function factsOf(input: InputSearch, id: string): Promise<FoundFacts> {
  const counts = await input.rows(
    { fact_rate: ['fact_uid', 'pg_uid'] },
    `SELECT pg_uid, ${FILE_COLUMN} AS file, count(*)::BIGINT AS n FROM in_fact_rate WHERE fact_uid = ${sqlString(id)} GROUP BY ALL`,
  )
  const perGroup = new Map<string | null, number>()
  for (const { pg_uid, n } of counts) {
    const pgUid = textOf(pg_uid)
    perGroup.set(pgUid, (perGroup.get(pgUid) ?? 0) + Number(n))
  }
  const files = new Set(counts.map(({ file }) => String(file)))
  const rows = counts.reduce((sum, { n }) => sum + Number(n), 0)
  const examples = rows === 0 ? [] : await examplesOf(input, id)
  return { rows, files: files.size, examples, perGroup }
}

async function examplesOf(input: InputSearch, id: string): Promise<FactInInput[]> {
  const rows = await input.rows(
    { fact_rate: SHOWN },
    `SELECT * FROM in_fact_rate WHERE fact_uid = ${sqlString(id)} ORDER BY ALL LIMIT ${MOST_EXAMPLES}`,
  )
  return rows.map((row) => {
    const file = String(row[FILE_COLUMN])
    return {
      file,
      fileState: input.stateOf('fact_rate', file),
      pgUid: textOf(row['pg_uid']),
      payerSlug: textOf(row['payer_slug']),
      billingClass: textOf(row['billing_class']),
      codeType: textOf(row['code_type']),
      code: textOf(row['code']),
      yearMonth: textOf(row['year_month']),
      state: textOf(row['state']),
      negotiatedType: textOf(row['negotiated_type']),
      negotiatedRate: numberOf(row['negotiated_rate']),
    }
  })
}

async function membersOf(input: InputSearch, pgUids: readonly (string | null)[]): Promise<GroupMembers[]> {
  const members: GroupMembers[] = []
  for (const pgUid of pgUids) {
    if (pgUid === null) {
      members.push({ pgUid, providers: 0, described: 0 })
      continue
    }
    const links = `SELECT DISTINCT npi FROM in_xref_pg_member_npi WHERE pg_uid = ${sqlString(pgUid)} AND ${VALID_NPI}`
    const [counts] = await input.rows(
      { xref_pg_member_npi: ['pg_uid', 'npi'], dim_npi: ['npi'] },
      `WITH members AS (${links}) SELECT (SELECT count(*) FROM members)::BIGINT AS providers,
        (SELECT count(*) FROM members SEMI JOIN in_dim_npi USING (npi))::BIGINT AS described`,
    )
    members.push({ pgUid, providers: Number(counts?.['providers']), described: Number(counts?.['described']) })
  }
  return members
}

function textOf(value: Cell | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}

function numberOf(value: Cell | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}
