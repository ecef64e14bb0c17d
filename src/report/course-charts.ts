/** Charts of how a run went: its phases, and its memory over time against the limit. */
import type { TopLevelSpec } from 'vega-lite'
import { countText, secondsText } from '../runtime/figures.js'
import type { Chart } from './chart.js'
import { COLOUR, THEME, WIDTH } from './chart-theme.js'
import type { RunCourse, RunReport } from './run-report.js'

/** Where the worker warns and cleans up: `runtime/worker/memory-guard.ts`. */
const HIGH_SHARE = 0.7

/** A phase has its name in the memory chart when it takes at least this share of its width. */
const NAMED_SHARE = { wide: 0.06, narrow: 0.16 } as const

const BAR_STEP = 24
const MEMORY_HEIGHT = 240

/** Both charts; that of the memory only where a worker noted it. */
export function courseCharts({ course, result }: RunReport): Chart[] {
  const total = result.seconds['total'] ?? 0
  return [
    ...(course.phases.length === 0 ? [] : [phasesChart(course, total)]),
    ...(course.memory.some((m) => m.peaksMb.length > 0) ? [memoryChart(course, result.peakMemoryMb, total)] : []),
  ]
}

interface Band {
  readonly phase: string
  readonly from: number
  readonly to: number
  readonly seconds: number
}

/** When each phase went: one follows the other, and what a worker took to begin belongs to the phase. */
function bandsOf({ phases }: RunCourse): Band[] {
  let end = 0
  return phases.map(({ phase, seconds }) => {
    const from = end
    end += seconds
    return { phase, from, to: end, seconds }
  })
}

function phasesChart(course: RunCourse, total: number): Chart {
  const bands = bandsOf(course)
  const values = bands.map((b) => ({ ...b, text: secondsText(b.seconds) }))
  const end = Math.max(total, ...bands.map((b) => b.to))
  const longest = bands.reduce((most, b) => (b.seconds > most.seconds ? b : most))
  const spec = (width: number): TopLevelSpec => ({
    config: THEME,
    width,
    height: { step: BAR_STEP },
    autosize: { type: 'fit-x', contains: 'padding' },
    data: { values },
    encoding: {
      y: { field: 'phase', type: 'nominal', sort: null, title: null, axis: { domain: false, labelColor: COLOUR.ink } },
      x: {
        field: 'from',
        type: 'quantitative',
        // Room for the figure behind the last bar.
        scale: { domain: [0, Math.max(0.1, 1.16 * end)], nice: false },
        axis: { title: 'seconds from the start', domain: false, tickCount: 6 },
      },
    },
    layer: [
      { mark: { type: 'bar', color: COLOUR.main, height: 14 }, encoding: { x2: { field: 'to' } } },
      {
        mark: { type: 'text', align: 'left', dx: 5, color: COLOUR.muted },
        encoding: { x: { field: 'to', type: 'quantitative' }, text: { field: 'text', type: 'nominal' } },
      },
    ],
  })
  return {
    id: 'phases',
    title: 'Phases over time',
    description: `The run took ${secondsText(total)}. The longest phase was ${longest.phase} with ${secondsText(longest.seconds)}.`,
    views: views(spec),
  }
}

function memoryChart(course: RunCourse, peakMb: number, total: number): Chart {
  const { memory, workerLimitMb } = course
  const points = memory.flatMap(({ worker, startSeconds, stepSeconds, peaksMb }) =>
    peaksMb.map((mb, i) => ({ worker, at: startSeconds + i * stepSeconds, mb })).filter((p) => p.mb !== null),
  )
  const bands = bandsOf(course).map((band, i) => ({ ...band, even: i % 2 === 0 }))
  const end = Math.max(total, ...bands.map((b) => b.to), ...points.map((p) => p.at))
  const top = 1.08 * Math.max(workerLimitMb, ...points.map((p) => p.mb ?? 0))
  const lines = [
    { mb: workerLimitMb, text: `limit ${countText(workerLimitMb)} MB`, kind: 'limit' },
    {
      mb: HIGH_SHARE * workerLimitMb,
      text: `70 %: ${countText(Math.round(HIGH_SHARE * workerLimitMb))} MB`,
      kind: 'warn',
    },
  ]
  const spec = (width: number): TopLevelSpec => {
    const share = width === WIDTH.phone ? NAMED_SHARE.narrow : NAMED_SHARE.wide
    const x = {
      type: 'quantitative' as const,
      scale: { domain: [0, Math.max(0.1, end)], nice: false },
      axis: { title: 'seconds from the start', grid: false, tickCount: 6 },
    }
    const y = {
      type: 'quantitative' as const,
      scale: { domain: [0, top], nice: false },
      axis: { title: 'resident memory, MB', tickCount: 5, domain: false },
    }
    return {
      config: THEME,
      width,
      height: MEMORY_HEIGHT,
      autosize: { type: 'fit-x', contains: 'padding' },
      layer: [
        {
          data: { values: bands.filter((b) => b.even) },
          mark: { type: 'rect', color: COLOUR.band },
          encoding: { x: { field: 'from', ...x }, x2: { field: 'to' } },
        },
        {
          data: { values: points },
          mark: { type: 'area', interpolate: 'step-after', color: COLOUR.main, opacity: 0.22 },
          encoding: {
            x: { field: 'at', ...x },
            y: { field: 'mb', ...y, stack: null },
            detail: { field: 'worker', type: 'nominal' },
          },
        },
        {
          data: { values: points },
          mark: { type: 'line', interpolate: 'step-after', color: COLOUR.main, strokeWidth: 1.5 },
          encoding: {
            x: { field: 'at', ...x },
            y: { field: 'mb', ...y },
            detail: { field: 'worker', type: 'nominal' },
          },
        },
        {
          data: { values: lines },
          mark: { type: 'rule', strokeDash: [5, 3], strokeWidth: 1.5 },
          encoding: {
            y: { field: 'mb', ...y },
            color: {
              field: 'kind',
              type: 'nominal',
              legend: null,
              scale: { domain: ['limit', 'warn'], range: [COLOUR.limit, COLOUR.warn] },
            },
          },
        },
        {
          data: { values: lines },
          mark: { type: 'text', align: 'right', baseline: 'bottom', dy: -3, dx: -4, fontWeight: 'bold' },
          encoding: { x: { value: 'width' }, y: { field: 'mb', ...y }, text: { field: 'text', type: 'nominal' } },
        },
        {
          data: {
            values: bands
              .filter((b) => b.to - b.from >= share * end)
              .map((b) => ({ ...b, middle: (b.from + b.to) / 2 })),
          },
          mark: { type: 'text', baseline: 'bottom', dy: -4, color: COLOUR.muted },
          encoding: { x: { field: 'middle', ...x }, y: { value: 'height' }, text: { field: 'phase', type: 'nominal' } },
        },
      ],
    }
  }
  return {
    id: 'memory',
    title: 'Memory over time',
    description: `The peak was ${countText(Math.ceil(peakMb))} MB of ${countText(workerLimitMb)} MB. The lines are the limit, and the 70 % at which a worker cleans up.`,
    views: views(spec),
  }
}

function views(spec: (width: number) => TopLevelSpec): Chart['views'] {
  return [
    { name: 'wide', spec: spec(WIDTH.full) },
    { name: 'narrow', spec: spec(WIDTH.phone) },
  ]
}
