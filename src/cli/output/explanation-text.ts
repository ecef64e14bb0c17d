/** Why partitions are planned as they are, as text. */
import type { Explanation } from '../../history/plan-answers.js'
import type { ContentChange, Reason } from '../../plan/explain.js'
import { plainText } from '../../runtime/plain-text.js'
import { countOf, countText } from './figures.js'
import type { Palette } from './palette.js'

const MOST_COLUMNS = 6

const WORDS: Readonly<Record<Reason, string>> = {
  new: 'new: the table has no such partition yet',
  content: 'its content changed',
  'object-changed': 'its object is not the one that was published; its content is the same',
  'object-missing': 'its object is gone from the table',
  leftover: 'an unfinished publication left an object there',
  same: 'nothing changed',
  empty: 'no row belongs there any more',
}

const VERBS = { add: 'added', replace: 'replaced', keep: 'kept', remove: 'removed' } as const

/** Counts by reason, then each partition with what changed inside. */
export function explanationText({ counts, partitions }: Explanation, palette: Palette): string {
  const lines = [palette.bold('why')]
  for (const { action, reason, partitions: n, rows } of counts) {
    lines.push(`  ${countOf(n, 'partition')} ${VERBS[action]} (${countOf(rows, 'row')}): ${WORDS[reason]}`)
  }
  if (counts.length === 0) lines.push('  the plan has no partition')
  for (const { key, action, reason, rows, rowsBefore, change } of partitions) {
    const before = rowsBefore === undefined || rowsBefore === rows ? '' : `, ${countText(rowsBefore)} before`
    lines.push(
      '',
      plainText(key.slice(0, key.lastIndexOf('/'))),
      `  ${VERBS[action]}, ${countOf(rows, 'row')}${before}: ${WORDS[reason]}`,
      ...(change ? changeLines(change) : []),
    )
  }
  return lines.join('\n')
}

function changeLines(change: ContentChange): string[] {
  const { examples, columns } = change
  const rows = [
    [change.rowsAdded, 'added'],
    [change.rowsRemoved, 'removed'],
    [change.rowsChanged, 'changed'],
  ] as const
  const said = rows.filter(([n]) => n > 0).map(([n, verb]) => `${countText(n)} ${verb}`)
  const lines = [`  rows: ${said.length === 0 ? 'none differs' : said.join(', ')}`]
  const which = (label: string, n: number, some: readonly string[]): void => {
    if (n > 0)
      lines.push(`  ${label}: ${countText(n)}${some.length === 0 ? '' : `, e.g. ${some.map(plainText).join(', ')}`}`)
  }
  which('facts added', change.factsAdded, examples.factsAdded)
  which('facts removed', change.factsRemoved, examples.factsRemoved)
  which('providers added', change.providersAdded, [])
  which('providers removed', change.providersRemoved, [])
  if (columns.length > 0) {
    const named = columns.slice(0, MOST_COLUMNS).map(({ name, rows: n }) => `${name} (${countOf(n, 'row')})`)
    const more = columns.length > MOST_COLUMNS ? ` and ${columns.length - MOST_COLUMNS} more` : ''
    lines.push(`  columns: ${named.join(', ')}${more}, e.g. of fact ${examples.factsChanged.map(plainText).join(', ')}`)
  }
  return lines
}
