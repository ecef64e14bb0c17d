/** Charts of what the table holds. */
import type { TopLevelSpec } from 'vega-lite'
import { countOf, countText } from '../runtime/figures.js'
import type { Chart } from './chart.js'
import { COLOUR, SHORT_COUNT, THEME, WIDTH } from './chart-theme.js'
import { barKey, LABELLED_BARS } from './labelled-bars.js'
import { dollarsText, ratioText, shareText } from './report-figures.js'
import type { Breakdown, Contents, RunReport } from './run-report.js'
import { labelExtent, shortLabel, valueLabel } from './value-label.js'

/** Bars of a chart of values; what is beyond stands in the table behind it. */
const MOST_BARS = 12

const BAR_STEP = 24
const HISTOGRAM_HEIGHT = 220

/** What the axis at the left takes of a histogram's width. */
const AXIS_PX = 60

/** Charts of a run's contents, those without any data left out. */
export function contentsCharts({ contents, result }: RunReport): Chart[] {
  const { rates, medicare } = contents
  return [
    bars('rows-by-payer', 'Rows by payer', contents.byPayer, result.rows),
    bars('rows-by-state', 'Rows by state of the provider', contents.byState, result.rows),
    bars('rows-by-category', 'Rows by category of the code', contents.byCategory, result.rows),
    ...(rates.dollars.figures === null ? [] : [dollarsChart(rates.dollars, rates.dollars.figures)]),
    ...(medicare.ratios === null ? [] : [medicareChart(medicare, medicare.ratios)]),
  ]
}

function bars(id: string, title: string, { entries, others }: Breakdown, total: number): Chart {
  // One value alone is shown rather than called "1 other".
  const most = entries.length + others.values === MOST_BARS + 1 ? MOST_BARS + 1 : MOST_BARS
  const shown = entries.slice(0, most)
  const rest = others.rows + entries.slice(most).reduce((sum, e) => sum + e.rows, 0)
  const restValues = others.values + Math.max(0, entries.length - most)
  const lines = shown.map((e) => ({ label: shortLabel(valueLabel(e.value), WIDTH.third), rows: e.rows }))
  if (restValues > 0) lines.push({ label: countOf(restValues, 'other'), rows: rest })
  const values = lines.map(({ label, rows }, place) => ({ key: barKey(place, label), rows, text: countText(rows) }))
  const extent = labelExtent(lines.map((line) => line.label))
  const largest = shown[0]
  const description =
    largest === undefined
      ? 'There are no rows.'
      : `${countText(entries.length + others.values)} values; the largest is ${valueLabel(largest.value)} with ${countText(largest.rows)} of ${countText(total)} rows (${shareText(largest.rows, total)}).`
  const spec: TopLevelSpec = {
    config: THEME,
    width: WIDTH.third - extent,
    height: { step: BAR_STEP },
    autosize: 'none',
    padding: { left: extent, top: 0, right: 0, bottom: 0 },
    data: { values },
    encoding: {
      y: LABELLED_BARS,
      // Room for the figure behind the longest bar.
      x: {
        field: 'rows',
        type: 'quantitative',
        axis: null,
        scale: { domainMin: 0, domainMax: 1.45 * Math.max(1, ...values.map((v) => v.rows)) },
      },
    },
    layer: [
      { mark: { type: 'bar', color: COLOUR.main, height: 14 } },
      {
        mark: { type: 'text', align: 'left', dx: 5, color: COLOUR.muted },
        encoding: { text: { field: 'text', type: 'nominal' } },
      },
    ],
  }
  return { id, title, description, views: [{ name: 'any', spec }] }
}

function dollarsChart(
  { bins, rows }: Contents['rates']['dollars'],
  figures: NonNullable<Contents['rates']['dollars']['figures']>,
): Chart {
  return histogram({
    id: 'rates',
    title: 'Negotiated rates in dollars',
    description: `${countText(rows)} rows have a rate in dollars. Half of those are at or below ${dollarsText(figures.p50)}; a tenth are at or below ${dollarsText(figures.p10)}, and a tenth are at or above ${dollarsText(figures.p90)}.`,
    bins: bins.map((bin) => ({ ...bin, side: 'main' })),
    colours: { domain: ['main'], range: [COLOUR.main] },
    x: "'$' + (datum.value < 1 ? format(datum.value, '~f') : format(datum.value, ',.0f'))",
    axisTitle: 'rate, on a logarithmic scale',
    rule: { at: figures.p50, text: `median ${dollarsText(figures.p50)}` },
  })
}

function medicareChart(
  { bins, rows, above }: Contents['medicare'],
  ratios: NonNullable<Contents['medicare']['ratios']>,
): Chart {
  return histogram({
    id: 'medicare',
    title: 'Dollar rates as multiples of Medicare',
    description: `${countText(rows)} rows can be compared. ${countText(above)} of them (${shareText(above, rows)}) are above the Medicare rate of their state; the median is ${ratioText(ratios.p50)} the Medicare rate.`,
    bins: bins.map((bin) => ({ ...bin, side: bin.from >= 1 ? 'above Medicare' : 'at or below' })),
    colours: { domain: ['at or below', 'above Medicare'], range: [COLOUR.second, COLOUR.main] },
    x: "format(datum.value, '~r') + '×'",
    axisTitle: 'multiple of Medicare (log scale)',
    rule: { at: ratios.p50, text: `median ${ratioText(ratios.p50)}` },
  })
}

interface HistogramInput {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly bins: readonly { readonly from: number; readonly to: number; readonly rows: number; readonly side: string }[]
  readonly colours: { readonly domain: readonly string[]; readonly range: readonly string[] }
  /** Vega expression of an axis label. */
  readonly x: string
  readonly axisTitle: string
  readonly rule: { readonly at: number; readonly text: string }
}

function histogram({ id, title, description, bins, colours, x, axisTitle, rule }: HistogramInput): Chart {
  const from = bins[0]?.from ?? 1
  const to = bins.at(-1)?.to ?? 10
  const most = Math.max(1, ...bins.map((b) => b.rows))
  const leftHalf = Math.log(rule.at / from) < Math.log(to / from) / 2
  const several = colours.domain.length > 1
  const spec = (width: number): TopLevelSpec => ({
    config: THEME,
    width,
    height: HISTOGRAM_HEIGHT,
    autosize: { type: 'fit-x', contains: 'padding' },
    layer: [
      {
        data: { values: [...bins] },
        mark: { type: 'rect', stroke: COLOUR.surface, strokeWidth: 1 },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            scale: { type: 'log', domain: [from, to], nice: false },
            axis: {
              labelExpr: x,
              values: ticks(from, to, width),
              grid: false,
              title: axisTitle,
              // A longer one would squeeze the bars.
              titleLimit: width - AXIS_PX,
              labelOverlap: true,
            },
          },
          x2: { field: 'to' },
          y: {
            field: 'rows',
            type: 'quantitative',
            // Room for the label of the median.
            scale: { domain: [0, 1.12 * most] },
            axis: { labelExpr: SHORT_COUNT, tickCount: 4, domain: false, title: 'rows' },
          },
          y2: { datum: 0 },
          color: {
            field: 'side',
            type: 'nominal',
            scale: { domain: [...colours.domain], range: [...colours.range] },
            ...(several ? {} : { legend: null }),
          },
        },
      },
      {
        data: { values: [{ at: rule.at }] },
        mark: { type: 'rule', color: COLOUR.ink, strokeDash: [4, 3] },
        encoding: { x: { field: 'at', type: 'quantitative' } },
      },
      {
        data: { values: [{ at: rule.at, text: rule.text }] },
        mark: {
          type: 'text',
          align: leftHalf ? 'left' : 'right',
          dx: leftHalf ? 6 : -6,
          baseline: 'top',
          fontWeight: 'bold',
        },
        encoding: {
          x: { field: 'at', type: 'quantitative' },
          y: { value: 2 },
          text: { field: 'text', type: 'nominal' },
        },
      },
    ],
  })
  return {
    id,
    title,
    description,
    views: [
      { name: 'wide', spec: spec(WIDTH.half) },
      { name: 'narrow', spec: spec(WIDTH.phone) },
    ],
  }
}

/** Powers of ten in a range, with 2 and 5 between them where there is room. */
function ticks(from: number, to: number, width: number): number[] {
  const decades = Math.log10(to / from)
  const steps = decades < width / 160 ? [1, 2, 5] : [1]
  const found: number[] = []
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    for (const step of steps) {
      const tick = Number((step * 10 ** power).toPrecision(6))
      if (tick >= from && tick <= to) found.push(tick)
    }
  }
  return found
}
