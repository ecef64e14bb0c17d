/** Where warnings about facts come from: payer and input file, a line for each rule. */
import { countOf, countText } from '../runtime/figures.js'
import { groupBy } from '../runtime/group-by.js'
import type { ReportedRule } from './run-report.js'
import { valueLabel } from './value-label.js'

/** Rules that a result tells of; the others are in the report. */
const MOST_LINES = 5

/** Sources that a line names; the others are counted. */
const MOST_NAMED = 2

type Sources = NonNullable<ReportedRule['sources']>
type Source = Sources['first'][number]

/**
 * A line for each violated rule whose facts are known, that of its worst check; bounded. Rules about rows of the table have
 * none: a provider belongs to no payer and to no file of facts.
 */
export function warningSources(rules: readonly ReportedRule[]): string[] {
  const warned = rules.filter(({ outcome, sources }) => outcome === 'warned' && sources !== undefined)
  const lines = Array.from(groupBy(warned, ({ name }) => name).values(), (checks) => {
    const [worst] = checks.toSorted((a, b) => b.share - b.threshold - (a.share - a.threshold))
    return worst?.sources ? `${nameOf(worst)}: ${sourcesText(worst, worst.sources)}` : ''
  })
  const more = lines.length - MOST_LINES
  return more > 0 ? [...lines.slice(0, MOST_LINES), `${countOf(more, 'more rule')}, see the report`] : lines
}

/** `freshness`, `references [dim_code]`. */
function nameOf({ name, subject }: ReportedRule): string {
  return subject === null ? name : `${name} [${subject}]`
}

function sourcesText({ failed }: ReportedRule, { first, others }: Sources): string {
  const [only] = first
  if (only && first.length + others.sources === 1) return `${countOf(failed, 'fact')} of ${sourceText(only)}`
  const named = first.slice(0, MOST_NAMED)
  const left = first.slice(MOST_NAMED)
  const leftFacts = left.reduce((sum, source) => sum + source.failed, others.failed)
  const leftSources = left.length + others.sources
  return [
    `${countOf(failed, 'fact')}: ${named.map((source, i) => `${countText(source.failed)} of ${sourceText(source, named[i - 1])}`).join(', ')}`,
    ...(leftSources === 0 ? [] : [`${countText(leftFacts)} of ${countOf(leftSources, 'other source')}`]),
  ].join(', ')
}

/** `aetna in /in/gold/fact_rate.parquet` */
function sourceText({ payer, file }: Source, before?: Source): string {
  const named = file === null ? 'a file that is not known' : valueLabel(file)
  const where = file !== null && file === before?.file ? 'the same file' : named
  return `${payer === null || payer === '' ? 'no payer' : valueLabel(payer)} in ${where}`
}
