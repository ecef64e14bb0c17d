/** Follows a provider: dim_npi, the groups that link to it, their facts, its rows in the table. */
import { sqlString } from '../engine/sql.js'
import { FILE_COLUMN } from '../star/look-at-table.js'
import { type FollowContext, inputChanged, lookingAt, publishedOf } from './follow-context.js'
import type { FollowedProvider } from './followed-row.js'
import type { InputSearch } from './input-search.js'
import { findQuarantine } from './set-aside.js'

/** Rows of dim_npi, and groups, that are named. */
const MOST_EXAMPLES = 10

const MEMBERS = { xref_pg_member_npi: ['pg_uid', 'npi'] } as const

/** @throws what is no fault of the input: the errors of the store, of records and of the query to the table */
export async function followProvider(context: FollowContext): Promise<FollowedProvider> {
  const { id, published, scratch, signal } = context
  const valid = !/^0*$/.test(id)
  const seen = await context.search(async (input) => {
    const dimension = await lookingAt(async () => ({ rows: await describedAs(input, id) }))
    const groups = await lookingAt(() => groupsOf(input, id))
    const facts = await lookingAt(async () => {
      const quarantine = published && (await findQuarantine(published.records, scratch, signal))
      return await factsOf(input, id, quarantine?.source)
    })
    return { dimension, groups, facts, changed: await inputChanged(input, published) }
  })
  const { dimension, groups, facts } = seen
  return {
    kind: 'npi',
    id,
    valid,
    published: publishedOf(context),
    missingRoot: context.missingRoot,
    dimension,
    groups,
    facts,
    rowsDue: facts.looked ? (valid ? Math.max(0, facts.facts - facts.setAside) : 0) : null,
    inputChanged: seen.changed,
    table: await context.inTable('npi'),
  }
}

async function describedAs(
  input: InputSearch,
  id: string,
): Promise<{ readonly file: string; readonly name: string | null; readonly taxonomy: string | null }[]> {
  const rows = await input.rows(
    { dim_npi: ['npi', 'first_name', 'last_name', 'organization_name', 'primary_taxonomy_code'] },
    `SELECT ${FILE_COLUMN} AS file, primary_taxonomy_code AS taxonomy,
      coalesce(nullif(organization_name, ''), nullif(concat_ws(' ', first_name, last_name), '')) AS name
    FROM in_dim_npi WHERE npi = ${sqlString(id)} ORDER BY ALL LIMIT ${MOST_EXAMPLES}`,
  )
  return rows.map(({ file, name, taxonomy }) => ({
    file: String(file),
    name: name === null || name === undefined ? null : String(name),
    taxonomy: taxonomy === null || taxonomy === undefined ? null : String(taxonomy),
  }))
}

async function groupsOf(
  input: InputSearch,
  id: string,
): Promise<{ readonly groups: number; readonly examples: readonly string[] }> {
  const groups = `SELECT DISTINCT pg_uid FROM in_xref_pg_member_npi WHERE npi = ${sqlString(id)} AND pg_uid IS NOT NULL`
  const [counted] = await input.rows(MEMBERS, `SELECT count(*)::BIGINT AS n FROM (${groups})`)
  const examples = await input.rows(MEMBERS, `${groups} ORDER BY pg_uid LIMIT ${MOST_EXAMPLES}`)
  return { groups: Number(counted?.['n']), examples: examples.map(({ pg_uid }) => String(pg_uid)) }
}

async function factsOf(
  input: InputSearch,
  id: string,
  quarantine: string | undefined,
): Promise<{ readonly facts: number; readonly setAside: number }> {
  const tables = { ...MEMBERS, fact_rate: ['pg_uid'] }
  const linked = `pg_uid IN (SELECT pg_uid FROM in_xref_pg_member_npi WHERE npi = ${sqlString(id)} AND pg_uid IS NOT NULL)`
  const aside = quarantine === undefined ? '0' : `(SELECT count(*) FROM ${quarantine} WHERE ${linked})`
  const [counts] = await input.rows(
    tables,
    `SELECT (SELECT count(*) FROM in_fact_rate WHERE ${linked})::BIGINT AS facts, ${aside}::BIGINT AS set_aside`,
  )
  return { facts: Number(counts?.['facts']), setAside: Number(counts?.['set_aside']) }
}
