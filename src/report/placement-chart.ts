/** The chart of how rows are spread over partitions. */
import type { TopLevelSpec } from 'vega-lite'
import { countOf, countText } from '../runtime/figures.js'
import type { Chart } from './chart.js'
import { COLOUR, SHORT_COUNT, THEME, WIDTH } from './chart-theme.js'
import { shareText } from './report-figures.js'
import type { RunReport } from './run-report.js'

const HEIGHT = 220

/** The chart, or none where there is no partition. */
export function placementCharts({ placement }: RunReport): Chart[] {
  const { histogram, rows, skew } = placement
  if (rows === null) return []
  const values = histogram.map((bin) => ({ ...bin, label: rangeText(bin.from, bin.to) }))
  const spec = (width: number): TopLevelSpec => ({
    config: THEME,
    width,
    height: HEIGHT,
    autosize: { type: 'fit-x', contains: 'padding' },
    data: { values },
    mark: { type: 'bar', color: COLOUR.main },
    encoding: {
      x: {
        field: 'label',
        type: 'ordinal',
        sort: null,
        scale: { paddingInner: 0.12 },
        axis: {
          title: 'rows of a partition (each bar twice as wide as the one before)',
          titleLimit: width,
          labelAngle: 0,
          labelOverlap: true,
          labelFontSize: 11,
        },
      },
      y: {
        field: 'partitions',
        type: 'quantitative',
        axis: { labelExpr: SHORT_COUNT, tickCount: 4, domain: false, title: 'partitions' },
      },
    },
  })
  return [
    {
      id: 'placement',
      title: 'Partitions by their rows',
      description: `The median partition has ${countOf(rows.p50, 'row')}, the largest ${countText(rows.largest)}. The largest ${countOf(skew.topPartitions, 'partition')} hold ${shareText(skew.shareOfRows, 1)} of all rows.`,
      views: [
        { name: 'wide', spec: spec(WIDTH.full) },
        { name: 'narrow', spec: spec(WIDTH.phone) },
      ],
    },
  ]
}

/** `1`, `2–3`, `4–7`, `1k–2k` */
export function rangeText(from: number, to: number): string {
  return from === to ? countText(from) : `${shortCount(from)}–${shortCount(to)}`
}

function shortCount(n: number): string {
  if (n < 1000) return String(n)
  return n < 1_000_000 ? `${Math.round(n / 1024)}k` : `${Math.round(n / 1024 / 1024)}M`
}
