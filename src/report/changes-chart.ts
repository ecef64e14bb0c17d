/** The chart of what a run changes: partitions by what happens to them, in all and by payer. */
import type { TopLevelSpec } from 'vega-lite'
import { countText } from '../runtime/figures.js'
import type { Chart } from './chart.js'
import { COLOUR, SHORT_COUNT, THEME, WIDTH } from './chart-theme.js'
import { barKey, LABELLED_BARS } from './labelled-bars.js'
import type { RunReport } from './run-report.js'
import { labelExtent, shortLabel, valueLabel } from './value-label.js'

const ACTIONS = ['added', 'replaced', 'kept', 'removed'] as const

const MOST_PAYERS = 8
const BAR_STEP = 30

/** Room around the bars: a line of the legend, the axis with its title, half of the last label. */
const LEGEND_PX = 26
const AXIS_PX = 44
const MARGIN_PX = 18

/** The chart, or none where there is no partition. */
export function changesCharts({ changes }: RunReport): Chart[] {
  const all = {
    added: changes.added.partitions,
    replaced: changes.replaced.partitions,
    kept: changes.kept.partitions,
    removed: changes.removed.partitions,
  }
  if (ACTIONS.every((action) => all[action] === 0)) return []
  const payers = changes.byPayer ?? []
  const lines = [
    { label: 'all', counts: all },
    ...(payers.length > 1 ? payers.slice(0, MOST_PAYERS).map((p) => ({ label: valueLabel(p.value), counts: p })) : []),
  ]
  return [
    {
      id: 'changes',
      title: 'Partitions by what happened to them',
      description: ACTIONS.map((action) => `${countText(all[action])} ${action}`)
        .join(', ')
        .concat('.'),
      views: [
        { name: 'wide', spec: specOf(lines, WIDTH.full) },
        { name: 'narrow', spec: specOf(lines, WIDTH.phone) },
      ],
    },
  ]
}

/** A bar's label, and how many partitions each action has. */
interface Line {
  readonly label: string
  readonly counts: Readonly<Record<(typeof ACTIONS)[number], number>>
}

function specOf(lines: readonly Line[], width: number): TopLevelSpec {
  const labels = lines.map(({ label }) => shortLabel(label, width))
  const extent = labelExtent(labels)
  const values = lines.flatMap(({ counts }, place) =>
    ACTIONS.map((action, order) => ({
      key: barKey(place, labels[place] ?? ''),
      action,
      order,
      partitions: counts[action],
    })),
  )
  return {
    config: THEME,
    width: width - extent - MARGIN_PX,
    height: { step: BAR_STEP },
    autosize: 'none',
    padding: { left: extent, top: width > WIDTH.half ? LEGEND_PX : 2 * LEGEND_PX, right: MARGIN_PX, bottom: AXIS_PX },
    data: { values },
    mark: { type: 'bar', height: 18, stroke: COLOUR.surface, strokeWidth: 1 },
    encoding: {
      y: LABELLED_BARS,
      x: {
        field: 'partitions',
        type: 'quantitative',
        axis: {
          labelExpr: SHORT_COUNT,
          tickCount: width > WIDTH.half ? 6 : 3,
          domain: false,
          title: 'partitions',
        },
      },
      order: { field: 'order', type: 'ordinal' },
      color: {
        field: 'action',
        type: 'nominal',
        scale: { domain: [...ACTIONS], range: [COLOUR.added, COLOUR.replaced, COLOUR.kept, COLOUR.removed] },
        legend: { columns: width > WIDTH.half ? 4 : 2 },
      },
    },
  }
}
