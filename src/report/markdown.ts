/** `report.md`: the report in short. Same order as the page. */
import type { AnalyticsResult } from '../contract/messages.js'
import { bytesText, countOf, countText, secondsText } from '../runtime/figures.js'
import { type MarkdownColumn, markdownCode, markdownTable, markdownText } from '../runtime/markdown-text.js'
import {
  analyticsFacts,
  analyticsSentence,
  currentSentence,
  readingLines,
  SET_ASIDE_SENTENCE,
} from './analytics-section.js'
import { dimensionName } from './dimension-counts.js'
import { movesSentence } from './moves-section.js'
import { mostUsed } from './rates-section.js'
import { codeText, moveText, rateText, termsText } from './rates-texts.js'
import { differenceText, dollarsText, ratioText, shareText } from './report-figures.js'
import type { Breakdown, ReportedRule, RunReport } from './run-report.js'
import { partRules, quietText } from './told-rules.js'
import { valueLabel } from './value-label.js'
import { verdictOf } from './verdict.js'

/** Values of a breakdown that the short report names. */
const MOST_VALUES = 5

const MOST_WARNINGS = 20

/** The report as Markdown. */
export function reportMarkdown(report: RunReport): string {
  const { result } = report
  return [
    `# Run ${markdownText(result.runId)}: ${result.status}`,
    '',
    `Table \`${markdownCode(result.table)}\` in \`${markdownCode(result.outputUri)}\`: ${countOf(result.rows, 'row')} in ${countOf(result.partitions.total, 'partition')}${result.bytes > 0 ? `, ${bytesText(result.bytes)}` : ''}.`,
    '',
    ...good(report),
    ...changed(report),
    ...moved(report),
    ...contents(report),
    ...paid(report),
    ...placement(report),
    ...analytics(report),
    ...course(report),
    ...receipt(report),
  ].join('\n')
}

function good(report: RunReport): string[] {
  const { rules, inputWarnings, result } = report
  const tableWarnings = result.tableWarnings ?? []
  const { told, quiet } = partRules(rules)
  return [
    '## Is the table good?',
    '',
    markdownText(verdictOf(report).text),
    '',
    ...(told.length === 0 ? [] : [...rulesTable(told), '']),
    ...sourcesList(result.warningSources ?? []),
    ...(quiet.length === 0 ? [] : [`Other checks: ${quietText(quiet)}; report.html and quality.json list them.`, '']),
    ...inputWarnings.slice(0, MOST_WARNINGS).map((w) => `- ${markdownText(w)}`),
    ...(inputWarnings.length > MOST_WARNINGS
      ? [`- and ${inputWarnings.length - MOST_WARNINGS} more, see report.json`]
      : []),
    ...tableWarnings.map((w) => `- ${markdownText(w)}`),
    ...(inputWarnings.length + tableWarnings.length > 0 ? [''] : []),
  ]
}

function sourcesList(sources: readonly string[]): string[] {
  if (sources.length === 0) return []
  return ['Where the facts come from that gave warnings:', '', ...sources.map((line) => `- ${markdownText(line)}`), '']
}

function rulesTable(rules: readonly ReportedRule[]): string[] {
  return markdownTable(
    [
      { name: 'rule' },
      { name: 'result' },
      number('broken by'),
      number('share'),
      number('allowed'),
      { name: 'severity' },
    ],
    rules.map((r) => [
      markdownText(`${r.name}${r.subject === null ? '' : ` (${r.subject})`}: ${r.meaning}`),
      r.outcome,
      r.outcome === 'skipped' ? '–' : `${countText(r.failed)} of ${countText(r.checked)} ${r.unit}`,
      r.outcome === 'skipped' ? '–' : shareText(r.share, 1),
      shareText(r.threshold, 1),
      r.severity,
    ]),
  )
}

function changed({ changes, previous, result }: RunReport): string[] {
  const { added, replaced, kept, removed } = changes
  const line = (name: string, m: typeof added): string[] => [
    name,
    countText(m.partitions),
    countText(m.rowsBefore),
    countText(m.rowsAfter),
  ]
  return [
    '## What changed?',
    '',
    previous === null
      ? 'This is the first run of the table.'
      : `Compared with run ${markdownText(previous.runId)}: ${differenceText(result.rows - previous.rows)} rows, ${differenceText(result.partitions.total - previous.partitions)} partitions.`,
    '',
    ...markdownTable(
      [{ name: 'what' }, number('partitions'), number('rows before'), number('rows after')],
      [line('added', added), line('replaced', replaced), line('kept', kept), line('removed', removed)],
    ),
    '',
  ]
}

/** Moves of a median that the short report tells. */
const MOST_MOVES = 10

function moved({ rates }: RunReport): string[] {
  const moves = rates?.moves
  if (!moves) return []
  const appeared = [
    [moves.newPayers.count, 'new payer'],
    [moves.gonePayers.count, 'payer gone', 'payers gone'],
    [moves.newCodes.count, 'new code of a payer', 'new codes of payers'],
    [moves.goneCodes.count, 'code of a payer gone', 'codes of payers gone'],
  ] as const
  const told = appeared.filter(([n]) => n > 0).map(([n, one, many]) => countOf(n, one, many))
  const largest = moves.largest.slice(0, MOST_MOVES)
  return [
    '## What moved?',
    '',
    `${movesSentence(moves)}${told.length === 0 ? '' : ` ${told.join(', ')}.`}`,
    '',
    ...(largest.length === 0
      ? []
      : [
          ...markdownTable(
            [{ name: 'payer' }, { name: 'code' }, { name: 'class' }, number('before'), number('now'), number('moved')],
            largest.map((m) => [
              markdownText(valueLabel(m.payer)),
              markdownText(codeText(m)),
              markdownText(termsText(m)),
              rateText(m.before, m.unit),
              rateText(m.after, m.unit),
              moveText(m.before, m.after),
            ]),
          ),
          '',
        ]),
  ]
}

/** Payers, and codes of each, that the short report names. */
const PAID = { payers: 5, codes: 3 } as const

function paid({ rates }: RunReport): string[] {
  if (!rates || rates.mostUsed.length === 0) return []
  return [
    '## What is paid?',
    '',
    'The most used codes by payer. Medians are over facts; a fact counts once, however many providers it is for.',
    '',
    ...markdownTable(
      [
        { name: 'payer' },
        { name: 'code' },
        { name: 'class' },
        number('facts'),
        number('median'),
        number('of Medicare'),
      ],
      mostUsed(rates.mostUsed, PAID.payers, PAID.codes).map((code) => [
        markdownText(valueLabel(code.payer)),
        markdownText(codeText(code)),
        markdownText(termsText(code)),
        countText(code.facts),
        rateText(code.median, code.unit),
        code.ratio === null ? '–' : ratioText(code.ratio),
      ]),
    ),
    '',
  ]
}

function contents({
  contents: { byPayer, byState, byCategory, rates, medicare },
  result,
  dimensions,
}: RunReport): string[] {
  const lines = [
    `- Payers: ${valuesText(byPayer, result.rows)}`,
    `- States: ${valuesText(byState, result.rows)}`,
    `- Categories: ${valuesText(byCategory, result.rows)}`,
  ]
  const dollars = rates.dollars.figures
  if (dollars !== null) {
    lines.push(
      `- Rates in dollars (${countOf(rates.dollars.rows, 'row')}): median ${dollarsText(dollars.p50)}, from ${dollarsText(dollars.lowest)} to ${dollarsText(dollars.highest)}; a tenth at or below ${dollarsText(dollars.p10)}, a tenth at or above ${dollarsText(dollars.p90)}`,
    )
  }
  const percentages = rates.percentages.figures
  if (percentages !== null) {
    lines.push(
      `- Rates in percent (${countOf(rates.percentages.rows, 'row')}): median ${percentages.p50} %, from ${percentages.lowest} % to ${percentages.highest} %`,
    )
  }
  if (rates.unknown.rows > 0) lines.push(`- Rates of unknown type: ${countOf(rates.unknown.rows, 'row')}`)
  if (medicare.ratios !== null) {
    lines.push(
      `- Against Medicare (${countOf(medicare.rows, 'row')}): median ${ratioText(medicare.ratios.p50)}, ${shareText(medicare.above, medicare.rows)} above`,
    )
  }
  return [
    '## What is in it?',
    '',
    ...lines,
    '',
    ...markdownTable(
      [{ name: 'what the input held' }, number('count')],
      Object.entries(dimensions).map(([name, n]) => [markdownText(dimensionName(name)), countText(n)]),
    ),
    '',
  ]
}

function valuesText({ entries, others }: Breakdown, total: number): string {
  const named = entries
    .slice(0, MOST_VALUES)
    .map((e) => `${markdownText(valueLabel(e.value))} ${countText(e.rows)} (${shareText(e.rows, total)})`)
  const more = entries.length + others.values - named.length
  return named.concat(more > 0 ? [`${countText(more)} more`] : []).join(', ')
}

function placement({ placement: { rows, bytes, skew, largest } }: RunReport): string[] {
  if (rows === null) return []
  return [
    '## Where are the partitions?',
    '',
    `Rows of a partition: median ${countText(rows.p50)}, smallest ${countText(rows.smallest)}, 99 % at or below ${countText(rows.p99)}, largest ${countText(rows.largest)}. The largest ${countOf(skew.topPartitions, 'partition')} hold ${shareText(skew.shareOfRows, 1)} of the rows.${bytes === null ? '' : ` Sizes: median ${bytesText(bytes.p50)}, largest ${bytesText(bytes.largest)}.`}`,
    '',
    ...largest.slice(0, 1).map((p) => `Largest: \`${markdownCode(p.key)}\``),
    '',
  ]
}

function analytics({ result: { analytics: table }, partitionsSince }: RunReport): string[] {
  if (!table) return []
  return [
    '## Where is the analytics table?',
    '',
    markdownText(`${analyticsSentence(table)} ${currentSentence(table, partitionsSince)}`),
    '',
    ...analyticsFacts(table).map(([what, value]) => `- ${what}: \`${markdownCode(value)}\``),
    ...readingLines(table).map(([engine, line]) => `- ${engine}: \`${markdownCode(line)}\``),
    '',
    ...setAside(table),
  ]
}

function setAside({ committed }: AnalyticsResult): string[] {
  const changes = committed?.setAside ?? []
  if (changes.length === 0) return []
  return [
    markdownText(SET_ASIDE_SENTENCE),
    '',
    ...changes.map(({ what, wayBack }) => `- ${markdownText(what)}. ${markdownText(wayBack)}`),
    '',
  ]
}

function course({ course: { phases, retries }, result }: RunReport): string[] {
  return [
    '## How did the run go?',
    '',
    `${secondsText(result.seconds['total'] ?? 0)}, peak memory ${countText(Math.ceil(result.peakMemoryMb))} MB of ${countText(result.memoryLimitMb)} MB, ${countOf(retries.length, 'failed or repeated attempt')}.`,
    '',
    ...markdownTable(
      [{ name: 'phase' }, number('seconds'), number('went through'), number('peak memory, MB')],
      phases.map((p) => [
        p.phase,
        p.seconds.toFixed(2),
        p.amount === null ? '' : `${countText(p.amount.count)} ${p.amount.unit}`,
        p.peakMemoryMb === null ? '' : countText(Math.ceil(p.peakMemoryMb)),
      ]),
    ),
    '',
    ...retries.map(
      (r) =>
        `- after ${secondsText(r.atSeconds)}: ${r.activity}, attempt ${r.attempt}${r.failure === null ? '' : ` failed: ${markdownText(r.failure)}`}`,
    ),
    ...(retries.length > 0 ? [''] : []),
  ]
}

function receipt({ result, inputs, startedAt, finishedAt, versions }: RunReport): string[] {
  return [
    '## Receipt',
    '',
    ...markdownTable(
      [{ name: 'what' }, number('count')],
      [
        ['facts read', countText(result.facts)],
        ['facts set aside', countText(result.quarantined)],
        ['facts written', countText(result.facts - result.quarantined)],
      ],
    ),
    '',
    ...markdownTable(
      [
        { name: 'input' },
        number('rows'),
        number('equal duplicates'),
        number('differing keys'),
        number('NULL keys'),
        { name: 'missing optional columns' },
        { name: 'other columns' },
      ],
      inputs.map((t) => [
        t.name,
        countText(t.rows ?? 0),
        countText(t.equalDuplicates ?? 0),
        countText(t.differingKeys ?? 0),
        countText(t.nullKeys ?? 0),
        (t.missingOptional ?? []).map(markdownText).join(', '),
        (t.extra ?? []).map(markdownText).join(', '),
      ]),
    ),
    '',
    `Started ${startedAt}, finished ${finishedAt}, ETL3 ${versions.etl3}. Receipt: \`${markdownCode(result.receiptUri)}\`.`,
    '',
  ]
}

function number(name: string): MarkdownColumn {
  return { name, number: true }
}
