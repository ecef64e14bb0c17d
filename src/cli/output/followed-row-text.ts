/** What became of a row, in sentences: step by step, and what follows from it. */
import type {
  FactInInput,
  FactSetAside,
  FileState,
  FollowedFact,
  FollowedProvider,
  FollowedRow,
  GroupMembers,
  Looked,
  PublishedRun,
} from '../../history/followed-row.js'
import type { RowsInTable } from '../../history/rows-in-table.js'
import { plainText } from '../../runtime/plain-text.js'
import { countOf, countText } from './figures.js'
import type { Palette } from './palette.js'
import { wrapLine } from './wrapped-line.js'

/** A step, and what there is to say of it. The sentences hold data: they are not fit for a terminal as they are. */
export interface ToldStep {
  readonly step: string
  readonly says: string
}

/** Partitions and groups that a text names; the machine form has all partitions. */
const NAMED = 20

/** Width of the column of the steps' names. */
const STEP_COLUMNS = 11

/** The steps in their order; the last one, `so`, says what follows from the others. */
export function toldSteps(row: FollowedRow): ToldStep[] {
  return row.kind === 'fact' ? factSteps(row) : providerSteps(row)
}

/**
 * The answer for a person.
 * @param columns of the terminal; infinitely many where there is none: then no line is broken
 */
export function followedRowText(row: FollowedRow, palette: Palette, columns: number): string {
  const width = Math.max(20, columns - STEP_COLUMNS - 1)
  const lines = [palette.bold(plainText(`${row.kind === 'fact' ? 'fact' : 'provider'} ${row.id}`)), '']
  for (const { step, says } of toldSteps(row)) {
    for (const [i, line] of wrapLine(plainText(says), width, 0).split('\n').entries()) {
      lines.push(`${(i === 0 ? step : '').padEnd(STEP_COLUMNS)}${line}`)
    }
    if (step === 'table' && row.table) lines.push(...partitionLines(row.table))
  }
  return lines.join('\n')
}

/** A path is not broken: whoever copies it gets all of it. */
function partitionLines({ partitions }: RowsInTable): string[] {
  const indent = ' '.repeat(STEP_COLUMNS)
  const named = partitions
    .slice(0, NAMED)
    .map(({ key, rows }) => `${indent}${countOf(rows, 'row')} in ${plainText(key)}`)
  const others = partitions.length - named.length
  return others === 0 ? named : [...named, `${indent}and ${countOf(others, 'more partition')}: -o json has them all`]
}

function factSteps(fact: FollowedFact): ToldStep[] {
  return [
    { step: 'input', says: `${factInput(fact)}${elsewhere(fact)}` },
    { step: 'screen', says: screenSays(fact) },
    { step: 'providers', says: membersSay(fact) },
    { step: 'table', says: tableSays(fact) },
    { step: 'so', says: factConclusion(fact) },
  ]
}

function elsewhere({ missingRoot, published }: FollowedRow): string {
  return missingRoot === null
    ? ''
    : ` There is no folder ${missingRoot} (input.root), so the input of run ${published?.runId} was searched.`
}

function factInput({ input, published }: FollowedFact): string {
  if (!input.looked) return notLooked(input)
  if (input.rows === 0) return 'No file of fact_rate has this fact_uid.'
  const [first] = input.examples
  if (input.rows === 1 && first)
    return `1 row in ${first.file}: ${factText(first)}.${fileSays(first.fileState, published)}`
  const files = [...new Set(input.examples.map(({ file }) => file))].join(', ')
  return `${countOf(input.rows, 'row')} have this fact_uid, which should be one: in ${files}. The first is ${first ? factText(first) : 'not known'}.`
}

function factText(fact: FactInInput): string {
  const values: readonly (readonly [string, string | number | null])[] = [
    ['payer', fact.payerSlug],
    ['class', fact.billingClass],
    [fact.codeType ?? 'code', fact.code],
    ['month', fact.yearMonth],
    ['market', fact.state],
    ['group', fact.pgUid],
    ['rate', fact.negotiatedRate],
  ]
  const type = fact.negotiatedType === null ? '' : ` (${fact.negotiatedType})`
  return `${values.map(([name, value]) => `${name} ${valueText(value)}`).join(', ')}${type}`
}

function valueText(value: string | number | null): string {
  return value === '' ? "''" : String(value ?? 'NULL')
}

function fileSays(state: FileState, published: PublishedRun | null): string {
  switch (state) {
    case 'as read':
      return ''
    case 'changed since':
      return ` This file has changed since run ${published?.runId} read it.`
    case 'not read':
      return ` Run ${published?.runId} did not read a file of this path.`
    case 'unknown':
      return ''
  }
}

function screenSays({ screen, published }: FollowedFact): string {
  if (!screen) return 'Nothing is published yet, so no run has judged it.'
  if (!screen.looked) return notLooked(screen)
  if (screen.setAside.length === 0) return `The quarantine of run ${published?.runId} does not have it.`
  const [first] = screen.setAside
  const times = screen.setAside.length === 1 ? '' : ` ${countText(screen.setAside.length)} times, first`
  return `Run ${published?.runId} set it aside${times} by ${first ? ruleText(first) : 'a rule'}. The whole fact is in ${screen.quarantine}.`
}

function ruleText({ rule, meaning, found }: FactSetAside): string {
  return `rule ${rule}${meaning === null ? '' : ` (${meaning})`}; found: ${found}`
}

function membersSay({ groups, rowsDue, input, screen }: FollowedFact): string {
  if (!groups.looked) return notLooked(groups)
  if (groups.groups.length === 0) return 'No group is known without the fact.'
  const said = groups.groups.slice(0, NAMED).map(groupText).join(' ')
  if (rowsDue === null || !input.looked || input.rows === 0) return said
  const aside = screen?.looked === true && screen.setAside.length > 0
  return `${said} ${aside ? 'Without what was set aside, ' : 'So '}${dueText(rowsDue)}`
}

function groupText({ pgUid, providers, described }: GroupMembers): string {
  const group = pgUid === null ? 'The fact names no group' : `Group ${pgUid}`
  if (providers === 0) {
    const why = pgUid === null ? '' : ' has no valid member in xref_pg_member_npi'
    return `${group}${why}: such a fact gives one row without a provider.`
  }
  const described_ = described === providers ? 'all of them in dim_npi' : `${countText(described)} of them in dim_npi`
  return `${group} has ${countOf(providers, 'provider')} in xref_pg_member_npi, ${described_}: one row for each.`
}

function dueText(rows: number): string {
  return rows === 1 ? '1 row is due.' : `${countText(rows)} rows are due.`
}

function tableSays({ table }: FollowedRow): string {
  if (!table) return 'Nothing is published yet.'
  if (table.rows === 0) return 'The published table has no row of it.'
  const writers = new Map(table.partitions.map(({ writtenBy, writtenAt }) => [writtenBy, writtenAt]))
  const runs = [...writers].flatMap(([run, at]) =>
    run === null ? [] : [at === null ? `run ${run}` : `run ${run} (${at})`],
  )
  const since = runs.length === 0 ? '' : `, as they are since ${runs.slice(0, NAMED).join(', ')}`
  return `${countOf(table.rows, 'row')} in ${countOf(table.partitions.length, 'partition')}${since}.`
}

function factConclusion(fact: FollowedFact): string {
  const { input, screen, table, rowsDue, published } = fact
  if (!table) return 'It has no row because nothing is published yet: `etl3 run`.'
  const isSetAside = screen?.looked === true && screen.setAside.length > 0
  if (isSetAside && table.rows === 0) {
    const anew = fact.inputChanged ? ' The input has changed since: the next run judges it anew.' : ''
    return `It has no row because the screen set it aside.${anew}`
  }
  if (input.looked && input.rows === 0) {
    return `The input has lost it since run ${published?.runId}: the next run removes its rows.`
  }
  return comparison(table.rows, rowsDue, fact)
}

function providerSteps(provider: FollowedProvider): ToldStep[] {
  return [
    { step: 'dim_npi', says: `${dimensionSays(provider)}${elsewhere(provider)}` },
    { step: 'groups', says: groupsSay(provider) },
    { step: 'facts', says: factsSay(provider) },
    { step: 'table', says: tableSays(provider) },
    { step: 'so', says: providerConclusion(provider) },
  ]
}

function dimensionSays({ dimension }: FollowedProvider): string {
  if (!dimension.looked) return notLooked(dimension)
  const [first] = dimension.rows
  if (!first) return 'dim_npi does not have it: in its rows, the columns that come from there are NULL.'
  const rows = dimension.rows.length === 1 ? '' : ` (one of ${countOf(dimension.rows.length, 'row')})`
  return `${first.name ?? 'no name'}, taxonomy ${first.taxonomy ?? 'NULL'}, in ${first.file}${rows}.`
}

function groupsSay({ groups, valid }: FollowedProvider): string {
  if (!valid) return 'It is a word for an unknown provider: links with it do not count.'
  if (!groups.looked) return notLooked(groups)
  if (groups.groups === 0) return 'No group links to it in xref_pg_member_npi.'
  const others = groups.groups - groups.examples.length
  const more = others === 0 ? '' : ` and ${countText(others)} more`
  const link = groups.groups === 1 ? 'links' : 'link'
  return `${countOf(groups.groups, 'group')} ${link} to it in xref_pg_member_npi: ${groups.examples.join(', ')}${more}.`
}

function factsSay({ facts, published, rowsDue }: FollowedProvider): string {
  if (!facts.looked) return notLooked(facts)
  if (facts.facts === 0) return 'No fact belongs to a group of it.'
  const aside =
    facts.setAside === 0
      ? ''
      : `, ${countText(facts.setAside)} of them set aside by the screen of run ${published?.runId}`
  const belong = facts.facts === 1 ? 'belongs' : 'belong'
  return `${countOf(facts.facts, 'fact')} ${belong} to groups of it${aside}. ${rowsDue === null ? '' : `So ${dueText(rowsDue)}`}`
}

function providerConclusion(provider: FollowedProvider): string {
  const { table, groups, rowsDue, valid } = provider
  if (!table) return 'It has no row because nothing is published yet: `etl3 run`.'
  if (table.rows === 0 && rowsDue === 0) {
    if (!valid) return 'It has no row because it names no provider.'
    if (groups.looked && groups.groups === 0) return 'It has no row because no group links to it.'
    return 'It has no row because no fact that counts belongs to a group of it.'
  }
  return comparison(table.rows, rowsDue, provider)
}

function comparison(rows: number, due: number | null, { published, inputChanged }: FollowedRow): string {
  if (due === null) return 'What the input gives is not known, so nothing can be compared.'
  if (rows === due) return 'The table has as many rows of it as the input gives.'
  const difference = `The table has ${countOf(rows, 'row')} of it, and the input now gives ${countText(due)}.`
  if (inputChanged)
    return `${difference} The input has changed since run ${published?.runId}: the next run takes it up.`
  return `${difference} The files are those that run ${published?.runId} read: \`etl3 plan --explain\` says what a run would change.`
}

function notLooked({ reason, code }: Extract<Looked<object>, { looked: false }>): string {
  return `Not looked at: ${reason} [${code}].`
}
