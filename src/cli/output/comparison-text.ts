/** Two runs side by side on a terminal: what differs, without what is noise. */
import type { ComparedFigure, ComparedRule, ComparedValue, Comparison } from '../../report/compare.js'
import { movesSentence } from '../../report/moves-section.js'
import { codeText, moveText, rateText, termsText } from '../../report/rates-texts.js'
import { differenceText, shareText } from '../../report/report-figures.js'
import type { RateMoves } from '../../report/run-report.js'
import { valueLabel } from '../../report/value-label.js'
import { plainText } from '../../runtime/plain-text.js'
import { cutToWidth, displayWidth } from './display-width.js'
import { bytesText, countOf, countText, secondsText } from './figures.js'
import type { Palette } from './palette.js'
import { wrapLine } from './wrapped-line.js'

/** Values and moves that the text names one by one; JSON has more. */
const MOST_VALUES = 10

/** Times and memory of two runs of the same work differ by so much: that is no news. */
const NOISE_SHARE = 0.1
const NOISE_SECONDS = 1

/** The share of a rule that holds differs by as much with every change of the table. */
const NOISE_RULE_SHARE = 0.01

/** How wide a label is at least, on the narrowest screen. */
const NARROWEST_LABEL = 16

const GAP = '  '

/** The comparison, as lines for a screen of so many columns. */
export function comparisonText(comparison: Comparison, palette: Palette, columns: number): string {
  const { before, after, sameWork, figures, rules, phases, rates } = comparison
  const section = (heading: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', palette.bold(heading), ...lines]
  const told = figures.filter(isNews)
  const sentence = (text: string): string => wrapLine(`${GAP}${text}`, columns, GAP.length)
  const compared = (values: readonly ComparedValue[]): string[] => valueLines(values, columns)
  return [
    palette.bold('runs'),
    `${GAP}before  ${plainText(before.runId)}  ${before.status} ${before.finishedAt}`,
    `${GAP}after   ${plainText(after.runId)}  ${after.status} ${after.finishedAt}`,
    sentence(
      sameWork ? 'Both have the same input, configuration and versions.' : 'Input, configuration or versions differ.',
    ),
    ...section('figures', [
      ...(told.length === 0 ? [] : aligned([['', 'before', 'after', 'difference'], ...told.map(figureCells)], columns)),
      ...sameFigures(figures).map(sentence),
    ]),
    ...section('rates', rateLines(rates, columns)),
    ...section('rules that differ', ruleLines(rules, columns)),
    ...section('rows by payer', compared(comparison.byPayer)),
    ...section('rows by state', compared(comparison.byState)),
    ...section('rows by category', compared(comparison.byCategory)),
    ...section('phases that took longer or shorter', phaseLines(phases, columns)),
  ].join('\n')
}

/** Whether a figure differs by more than two runs of the same work do. */
function isNews({ before, after, unit }: ComparedFigure): boolean {
  const difference = Math.abs(after - before)
  if (unit === 'count' || unit === 'bytes') return difference > 0
  if (unit === 'seconds' && difference < NOISE_SECONDS) return false
  return difference >= NOISE_SHARE * Math.max(before, after)
}

const TEXT_OF: Readonly<Record<ComparedFigure['unit'], (n: number) => string>> = {
  count: countText,
  bytes: bytesText,
  megabytes: (mb) => `${countText(Math.ceil(mb))} MB`,
  seconds: secondsText,
}

function figureCells({ name, before, after, unit }: ComparedFigure): string[] {
  const text = TEXT_OF[unit]
  return [name, text(before), text(after), `${after < before ? '−' : '+'}${text(Math.abs(after - before))}`]
}

/** What is not in the table, so that nobody takes it for forgotten. */
function sameFigures(figures: readonly ComparedFigure[]): string[] {
  const same = figures.filter((figure) => !isNews(figure))
  const names = (list: readonly ComparedFigure[]): string => list.map(({ name }) => name).join(', ')
  const equal = same.filter(({ before, after }) => before === after)
  const near = same.filter(({ before, after }) => before !== after)
  return [
    ...(equal.length === 0 ? [] : [`the same in both: ${names(equal)}`]),
    ...(near.length === 0 ? [] : [`about the same: ${names(near)}`]),
  ]
}

function phaseLines(phases: readonly ComparedFigure[], columns: number): string[] {
  const told = phases.filter(isNews)
  return told.length === 0 ? [] : aligned([['', 'before', 'after', 'difference'], ...told.map(figureCells)], columns)
}

function ruleLines(rules: readonly ComparedRule[], columns: number): string[] {
  const lines = rules
    .filter(isRuleNews)
    .map(({ rule, before, after }) => [plainText(rule), outcomeText(before), outcomeText(after)])
  if (lines.length === 0) return []
  const same = rules.length - lines.length
  return [
    ...aligned([['', 'before', 'after'], ...lines], columns),
    ...(same === 0 ? [] : [`${GAP}${countOf(same, 'check')} with the same result in both, or about the same`]),
  ]
}

/** A rule that holds in both runs is news where its share moved by a hundredth; every broken one is, where its count moved. */
function isRuleNews({ before, after }: ComparedRule): boolean {
  if (before === null || after === null) return before !== after
  const holds = [before, after].every(({ outcome }) => outcome === 'passed' || outcome === 'skipped')
  if (holds) return Math.abs(after.share - before.share) >= NOISE_RULE_SHARE
  return before.outcome !== after.outcome || before.failed !== after.failed
}

function outcomeText(rule: ComparedRule['before']): string {
  return rule === null ? 'not there' : `${rule.outcome}, ${countText(rule.failed)} (${shareText(rule.share, 1)})`
}

function valueLines(values: readonly ComparedValue[], columns: number): string[] {
  if (values.length === 0) return []
  const rows = values
    .slice(0, MOST_VALUES)
    .map((v) => [valueLabel(v.value), countText(v.before), countText(v.after), differenceText(v.after - v.before)])
  return [...aligned([['', 'before', 'after', 'difference'], ...rows], columns), ...moreLine(values.length)]
}

function moreLine(count: number): string[] {
  return count > MOST_VALUES ? [`${GAP}and ${countText(count - MOST_VALUES)} more: -o json`] : []
}

function rateLines(rates: RateMoves | null, columns: number): string[] {
  if (!rates) return [`${GAP}one of the two runs kept no rates`]
  const sentence = (text: string): string => wrapLine(`${GAP}${text}`, columns, GAP.length)
  const moves = rates.largest
    .slice(0, MOST_VALUES)
    .map((move) => [
      `${valueLabel(move.payer)}, ${codeText(move)}, ${termsText(move)}`,
      rateText(move.before, move.unit),
      rateText(move.after, move.unit),
      moveText(move.before, move.after),
    ])
  const named = (what: string, count: number, names: readonly string[]): string[] =>
    count === 0
      ? []
      : [sentence(`${what}: ${countText(count)} (${names.slice(0, 5).join('; ')}${count > 5 ? '; …' : ''})`)]
  const payers = (list: RateMoves['newPayers']['payers']): string[] => list.map(({ payer }) => valueLabel(payer))
  const codes = (list: RateMoves['newCodes']['codes']): string[] =>
    list.map((code) => `${valueLabel(code.payer)} ${codeText({ ...code, name: null })}`)
  return [
    sentence(movesSentence(rates)),
    ...(moves.length === 0 ? [] : aligned([['median', 'before', 'after', 'moved'], ...moves], columns)),
    ...moreLine(rates.moved),
    ...named('new payers', rates.newPayers.count, payers(rates.newPayers.payers)),
    ...named('payers gone', rates.gonePayers.count, payers(rates.gonePayers.payers)),
    ...named('new codes', rates.newCodes.count, codes(rates.newCodes.codes)),
    ...named('codes gone', rates.goneCodes.count, codes(rates.goneCodes.codes)),
  ]
}

/** Rows under each other: labels on the left, cut where the screen is too narrow for them; the others flush right. */
function aligned(rows: readonly (readonly string[])[], columns: number): string[] {
  const cells = rows[0]?.length ?? 0
  const widths = Array.from({ length: cells }, (_, i) => Math.max(...rows.map((row) => displayWidth(row[i] ?? ''))))
  const others = widths.slice(1).reduce((sum, width) => sum + width + GAP.length, GAP.length)
  const label = Math.min(widths[0] ?? 0, Math.max(NARROWEST_LABEL, columns - others))
  return rows.map((row) =>
    row
      .map((cell, i) =>
        i === 0 ? padded(cutToWidth(cell, label), label, 'end') : padded(cell, widths[i] ?? 0, 'start'),
      )
      .reduce((line, cell) => `${line}${GAP}${cell}`, '')
      .trimEnd(),
  )
}

function padded(text: string, width: number, where: 'start' | 'end'): string {
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return where === 'start' ? blanks + text : text + blanks
}
