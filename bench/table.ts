/** The table of figures as Markdown, and its place in bench/README.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { FIGURES, type Figure, type Measured, reaches } from './figures.js'

const BEGIN = '<!-- figures: written by npm run bench -->'
const END = '<!-- end of figures -->'

/** What a run of the bench found. */
export interface Findings {
  /** Machine, date, versions: one line each. */
  readonly about: readonly string[]
  readonly figures: Readonly<Record<string, Measured>>
  /** Ways that are not a figure of ours, and how they went. */
  readonly beside: readonly { readonly way: string; readonly result: string }[]
  /** Seconds of each phase of the run, medians, by subject. */
  readonly phases: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** The findings as Markdown. */
export function tableOf({ about, figures, beside, phases }: Findings): string {
  const names = Object.keys(phases)
  const steps = [...new Set(names.flatMap((name) => Object.keys(phases[name] ?? {})))]
  return [
    ...about.map((line) => `- ${line}`),
    '',
    '| figure | median | min – max | runs | must | aim | |',
    '| --- | ---: | ---: | ---: | ---: | ---: | --- |',
    ...FIGURES.flatMap((figure) => {
      const found = figures[figure.id]
      return found ? [row(figure, found)] : []
    }),
    '',
    `| phase, seconds | ${names.join(' | ')} |`,
    `| --- | ${names.map(() => '---:').join(' | ')} |`,
    ...steps.map((step) => `| ${step} | ${names.map((name) => (phases[name]?.[step] ?? 0).toFixed(1)).join(' | ')} |`),
    '',
    '| beside them | result |',
    '| --- | --- |',
    ...beside.map(({ way, result }) => `| ${way} | ${result} |`),
  ].join('\n')
}

/** Replaces the table between its marks. @throws Error when the file has no such marks */
export function writeTable(readme: string, findings: Findings): void {
  const text = readFileSync(readme, 'utf8')
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${readme} has no place for the figures: ${BEGIN} … ${END}`)
  writeFileSync(readme, `${text.slice(0, begin + BEGIN.length)}\n\n${tableOf(findings)}\n\n${text.slice(end)}`)
}

function row(figure: Figure, { median, min, max, runs }: Measured): string {
  const marks = [figure.must, figure.aim].map((value) => mark(figure, value)).join(' | ')
  return `| ${figure.what} | ${shown(median)} | ${shown(min)} – ${shown(max)} | ${runs} | ${marks} | ${verdict(figure, median)} |`
}

function verdict(figure: Figure, median: number): string {
  const { must, aim } = figure
  if (must === undefined) return ''
  if (!reaches(figure, median, must)) return 'missed'
  return aim !== undefined && reaches(figure, median, aim) ? 'aim' : 'must'
}

function mark({ better }: Figure, value: number | undefined): string {
  return value === undefined ? '' : `${better === 'lower' ? '≤' : '≥'} ${value.toLocaleString('en')}`
}

/** A figure as the table tells it. */
export function shown(value: number): string {
  return value >= 100 ? value.toLocaleString('en', { maximumFractionDigits: 0 }) : value.toPrecision(2)
}
