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
} from '../activities/types.js'
import type { Phase, Progress, RunResult } from './messages.js'

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
    unchanged ? 'nothing has changed' : `${count(factFiles)} fact file(s), ${megabytes(inputBytes)} of input`,
  validate: ({ facts }) => `${count(facts)} facts`,
  stage: ({ rows }) => `${count(rows)} facts staged`,
  screen: ({ facts, quarantined }) => `${count(quarantined)} of ${count(facts)} facts quarantined`,
  plan: ({ rows, partitions: p }) =>
    `${count(rows)} rows in ${count(p.total)} partitions: ${count(p.added)} new, ${count(p.replaced)} changed, ${count(p.kept)} kept, ${count(p.removed)} removed`,
  quality: ({ warnings }) => (warnings === 0 ? 'passed' : `passed with ${count(warnings)} warning(s)`),
  write: ({ rows, partitions, bytes }) => `${count(rows)} rows in ${count(partitions)} partitions, ${megabytes(bytes)}`,
  audit: ({ partitions, readAgain }) =>
    `${count(partitions)} partitions agree with the plan, ${count(readAgain)} read again row by row`,
  publish: ({ partitions }) => `${count(partitions)} partitions in place`,
  register: ({ partitions, deleted }) => `${count(partitions)} partitions registered, ${count(deleted)} removed`,
  report: ({ status }) => status,
}

/** One line on the answer of a phase. */
export function detailOf<P extends Phase>(phase: P, answer: PhaseAnswers[P]): string {
  return DETAILS[phase](answer)
}

/** The whole page. */
export function progressPage(progress: Progress): string {
  const { runId, phases, units, rows, partitions, paused, peakMemoryMb, memoryLimitMb } = progress
  const lines = [
    `**Run** \`${runId ?? 'opening'}\`${paused ? ' — **paused**: the update `resume` lets it go on' : ''}`,
    '',
    '| step | state | seconds | result |',
    '| --- | --- | ---: | --- |',
    ...phases.map(
      (p) =>
        `| ${TITLES[p.phase]} | ${p.state} | ${p.seconds === undefined ? '' : p.seconds.toFixed(1)} | ${p.detail} |`,
    ),
    '',
  ]
  if (units.total > 0) {
    lines.push(
      `Units ${count(units.done)} of ${count(units.total)}, partitions ${count(partitions.done)} of ${count(partitions.total)}, rows ${count(rows.done)} of ${count(rows.total)}.`,
      '',
    )
  }
  if (memoryLimitMb > 0) lines.push(`Memory: peak ${count(peakMemoryMb)} MB of ${count(memoryLimitMb)} MB.`)
  return lines.join('\n')
}

function megabytes(bytes: number): string {
  return `${count(Math.ceil(bytes / 1e6))} MB`
}

/** Thousands apart; Intl differs between machines, and a replay must give the same text. */
function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',')
}
