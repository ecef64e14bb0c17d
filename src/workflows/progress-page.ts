/** The page of a run in Temporal's Web UI: Markdown that reads without any document beside it. */
import type {
  Audited,
  Checked,
  OpenedRun,
  Planned,
  Registered,
  Screened,
  Staged,
  UnitDone,
  ValidatedInputs,
} from '../contract/activities.js'
import {
  type AnalyticsResult,
  PHASES,
  type Phase,
  type PhaseProgress,
  type Progress,
  type RunMode,
  type RunResult,
} from '../contract/messages.js'
import { bytesText, countOf, countText } from '../runtime/figures.js'
import { markdownCode, markdownText } from '../runtime/markdown-text.js'
import type { RunFailure } from './run-failure.js'

/** What each phase answers. */
export interface PhaseAnswers {
  open: OpenedRun
  validate: ValidatedInputs
  stage: Staged
  screen: Screened
  plan: Planned
  quality: Checked
  write: UnitDone
  audit: Audited
  publish: UnitDone
  register: Registered
  report: RunResult
}

const TITLES: Readonly<Record<Phase, string>> = {
  open: 'Open the run',
  validate: 'Validate the input',
  stage: 'Stage facts and dimensions',
  screen: 'Screen the facts',
  plan: 'Plan the partitions',
  quality: 'Quality gate',
  write: 'Write the partitions',
  audit: 'Audit what was written',
  publish: 'Publish',
  register: 'Register in the catalog',
  report: 'Report',
}

const DETAILS: { readonly [P in Phase]: (answer: PhaseAnswers[P]) => string } = {
  open: ({ unchanged, factFiles, inputBytes }) =>
    unchanged ? 'nothing has changed' : `${countOf(factFiles, 'fact file')}, ${bytesText(inputBytes)} of input`,
  validate: ({ facts, warnings }) => `${countText(facts)} facts${warningsText(warnings)}`,
  stage: ({ rows }) => `${countText(rows)} facts staged`,
  screen: ({ facts, quarantined, warnings }) =>
    `${countText(quarantined)} of ${countText(facts)} facts quarantined${warningsText(warnings)}`,
  plan: ({ rows, partitions: p, analytics, warnings = 0 }) =>
    `${countText(rows)} rows in ${countText(p.total)} partitions: ${countText(p.added)} new, ${countText(p.replaced)} changed, ${countText(p.kept)} kept, ${countText(p.removed)} removed${analytics ? `; ${countText(analytics.filesToWrite)} of ${countText(analytics.files)} files of the analytics table to write` : ''}${warningsText(warnings)}`,
  quality: ({ warnings }) => `passed${warningsText(warnings)}`,
  write: ({ rows, partitions, bytes }) =>
    `${countText(rows)} rows in ${countText(partitions)} partitions, ${bytesText(bytes)}`,
  audit: ({ partitions, readAgain }) =>
    `${countText(partitions)} partitions agree with the plan, ${countText(readAgain)} read again row by row`,
  publish: ({ partitions }) => `${countText(partitions)} partitions in place`,
  register: ({ partitions, deleted }) =>
    `${countText(partitions)} partitions registered, ${countText(deleted)} removed`,
  report: ({ status }) => status,
}

/** How far staging is, in files of facts. */
export function stagedDetail(staged: number, files: number): string {
  return `${staged > 1 ? `files 1–${countText(staged)}` : `file ${countText(staged)}`} of ${countText(files)} staged`
}

function warningsText(warnings: number): string {
  return warnings === 0 ? '' : `, ${countOf(warnings, 'warning')}`
}

/** One line on the answer of a phase. */
export function detailOf<P extends Phase>(phase: P, answer: PhaseAnswers[P]): string {
  return DETAILS[phase](answer)
}

/** What the page tells beside the progress. */
export interface PageFacts {
  readonly mode: RunMode
  /** Name of the table, once the configuration is read. */
  readonly table: string | undefined
  /** The result of a run that came to its end. */
  readonly result: RunResult | undefined
  /** Why the run ended before its end. */
  readonly failure: RunFailure | undefined
}

/** The step with which a run of each kind ends, before its report. */
const LAST_STEP: Readonly<Record<RunMode, Phase>> = { plan: 'plan', validate: 'quality', run: 'register' }

/** The whole page: where the run stands in one sentence, all its steps, then figures. */
export function progressPage(progress: Progress, facts: PageFacts): string {
  const { runId, phases, units, rows, partitions, peakMemoryMb, memoryLimitMb } = progress
  const lines = [headline(progress, facts), '']
  if (facts.result) lines.push(...resultLines(facts.result), '')
  lines.push(row('step', 'state', 'result'), row('---', '---', '---'))
  for (const phase of stepsOf(facts)) {
    const at = phases.find((p) => p.phase === phase)
    if (at) lines.push(row(TITLES[phase], stateText(at, facts), markdownText(at.detail)))
    else lines.push(row(TITLES[phase], facts.failure ? 'not reached' : 'to come', ''))
  }
  lines.push('')
  if (units.total > 0) {
    lines.push(
      `Units of work ${countText(units.done)} of ${countText(units.total)}, partitions ${countText(partitions.done)} of ${countText(partitions.total)}, rows ${countText(rows.done)} of ${countText(rows.total)}.`,
      '',
    )
  }
  if (memoryLimitMb > 0) {
    lines.push(
      `Memory of the worker: ${countText(peakMemoryMb)} MB at the peak, the limit is ${countText(memoryLimitMb)} MB.`,
    )
  }
  if (runId !== undefined) lines.push('', `Run \`${runId}\``)
  return lines.join('\n')
}

/** The Web UI leaves no room between two columns. */
const GAP = '\u00a0\u00a0'

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => (cell === '---' ? cell : cell + GAP)).join(' | ')} |`
}

function stateText({ state, seconds }: PhaseProgress, { failure }: PageFacts): string {
  const name = state === 'failed' ? (failure?.outcome ?? state) : state
  return seconds === undefined ? name : `${name},\u00a0${seconds.toFixed(1)}\u00a0s`
}

function headline({ phases, paused }: Progress, { table, result, failure }: PageFacts): string {
  const step = phases.at(-1)?.phase ?? 'open'
  const of = table === undefined ? '' : ` of \`${markdownCode(table)}\``
  if (failure) {
    const published = phases.some((p) => p.phase === 'publish')
    const table = published
      ? 'Publishing had begun, so the table may show some partitions of this run: run again to bring it to its end.'
      : 'The table is as it was.'
    const what = failure.outcome === 'failed' ? 'This run failed' : 'This run was cancelled'
    const why = failure.outcome === 'failed' ? whyText(failure) : []
    return [
      `**${what}** at the step “${TITLES[step]}”${of}.`,
      ...why,
      `${table} What is finished is kept for the next run.`,
    ].join('\n\n')
  }
  if (result) return `**${ENDS[result.status]}**${of}`
  if (paused) return `**Paused** at the step “${TITLES[step]}”${of}: the update \`resume\` lets it go on.`
  return `**Running**${of}: ${TITLES[step].toLowerCase()}.`
}

function whyText({ message, code, hint }: RunFailure): string[] {
  return [
    `${markdownText(message)}${code === undefined ? '' : ` (${code})`}`,
    ...(hint === undefined ? [] : [`What to do: ${markdownText(hint)}`]),
  ]
}

const ENDS: Readonly<Record<RunResult['status'], string>> = {
  published: 'Published: a new state',
  unchanged: 'Unchanged: input and configuration are those of the last run',
  validated: 'Validated: the input passed the quality rules, nothing was written',
  planned: 'Planned: nothing was written',
  failed: 'Failed: a run',
}

function resultLines({ rows, partitions: p, outputUri, reportUri, warnings, analytics }: RunResult): string[] {
  return [
    `- ${countText(rows)} rows in ${countText(p.total)} partitions: ${countText(p.added)} added, ${countText(p.replaced)} replaced, ${countText(p.kept)} kept, ${countText(p.removed)} removed`,
    `- ${countOf(warnings, 'warning')}, explained in the report`,
    `- table: \`${markdownCode(outputUri)}\``,
    ...(analytics ? [analyticsLine(analytics)] : []),
    `- report: \`${markdownCode(reportUri)}\``,
  ]
}

function analyticsLine({ uri, files, added, committed }: AnalyticsResult): string {
  const changed = committed
    ? `${countText(added)} added, ${countText(committed.removed)} removed, snapshot ${markdownText(committed.snapshotId)}`
    : `${countText(added)} to write`
  const setAside = committed?.setAside ?? []
  const aside = setAside.length === 0 ? '' : `; set aside: ${setAside.map(({ what }) => markdownText(what)).join('; ')}`
  return `- analytics table: \`${markdownCode(uri)}\`, ${countText(files)} files: ${changed}${aside}`
}

/** The steps that a run goes through, in order. */
function stepsOf({ mode, result }: PageFacts): Phase[] {
  if (result?.status === 'unchanged') return ['open']
  const all = PHASES.slice(0, PHASES.indexOf(LAST_STEP[mode]) + 1)
  return [...all, 'report']
}
