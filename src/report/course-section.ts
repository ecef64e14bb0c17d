/** How the run went: phases, memory over time, throughput, retries. */
import { countOf, countText, secondsText } from '../runtime/figures.js'
import type { PageCharts } from './chart.js'
import { html, type Markup } from './html.js'
import { figure, type Table, table } from './page-parts.js'
import type { RunCourse, RunReport } from './run-report.js'

/** The section's content. */
export function courseSection({ course, result }: RunReport, { charts, drawings }: PageCharts): Markup {
  const chart = (id: string): (typeof charts)[number] | undefined => charts.find((c) => c.id === id)
  const failures = course.retries.filter((r) => r.failure !== null).length
  return html`<p>${secondsText(result.seconds['total'] ?? 0)} in all, by ${countOf(course.memory.length, 'worker process', 'worker processes')} and ${countOf(course.activities, 'activity', 'activities')}. ${
    course.retries.length === 0
      ? 'No attempt failed, none was repeated.'
      : `${countOf(failures, 'attempt')} failed, ${countOf(course.retries.length - failures, 'attempt')} repeated an earlier one.`
  }</p>
${figure(chart('phases'), drawings, phasesTable(course))}
${figure(chart('memory'), drawings, memoryTable(course))}
${course.retries.length === 0 ? undefined : retriesTable(course)}`
}

function phasesTable({ phases }: RunCourse): Table {
  return {
    caption: 'Phases',
    columns: [
      { name: 'phase' },
      { name: 'seconds', kind: 'number' },
      { name: 'went through', kind: 'number' },
      { name: 'a second', kind: 'number' },
      { name: 'peak memory, MB', kind: 'number' },
    ],
    rows: phases.map(({ phase, seconds, amount, peakMemoryMb }) => [
      phase,
      seconds.toFixed(2),
      amount === null ? '–' : `${countText(amount.count)} ${amount.unit}`,
      amount === null || seconds === 0 ? '–' : countText(Math.round(amount.count / seconds)),
      peakMemoryMb === null ? '–' : countText(Math.ceil(peakMemoryMb)),
    ]),
  }
}

/** Pieces of the memory table: the curve has more than somebody reads. */
const MEMORY_ROWS = 24

function memoryTable({ memory }: RunCourse): Table {
  const rows = memory.flatMap(({ worker, startSeconds, stepSeconds, peaksMb }) => {
    const pieces = Math.max(1, Math.ceil(peaksMb.length / MEMORY_ROWS))
    return Array.from({ length: Math.ceil(peaksMb.length / pieces) }, (_, i) => {
      const known = peaksMb.slice(i * pieces, (i + 1) * pieces).filter((mb) => mb !== null)
      const from = startSeconds + i * pieces * stepSeconds
      return [`${from.toFixed(1)} s`, worker, known.length === 0 ? '–' : countText(Math.max(...known))]
    })
  })
  return {
    caption: 'The most that was resident, by time from the start',
    columns: [{ name: 'from' }, { name: 'worker' }, { name: 'MB', kind: 'number' }],
    rows,
  }
}

function retriesTable({ retries }: RunCourse): Markup {
  return table({
    caption: 'Attempts that failed or repeated an earlier one',
    columns: [
      { name: 'after' },
      { name: 'activity' },
      { name: 'attempt', kind: 'number' },
      { name: 'what happened', kind: 'long' },
    ],
    rows: retries.map((r) => [
      secondsText(r.atSeconds),
      r.activity,
      countText(r.attempt),
      r.failure === null ? 'began: an earlier attempt had not come to its end' : html`failed: ${r.failure}`,
    ]),
  })
}
