/** A chart of a report: Vega-Lite specifications, and the words for who does not see it. */
import type { TopLevelSpec } from 'vega-lite'

/** One width of a chart. `any` stands at every width, else the page shows the one that fits. */
export interface ChartView {
  readonly name: 'any' | 'wide' | 'narrow'
  readonly spec: TopLevelSpec
}

/** One chart to be drawn. */
export interface Chart {
  /** Unique on the page; part of element ids. */
  readonly id: string
  readonly title: string
  /** What the chart shows, with the figures that matter, in a sentence or two. */
  readonly description: string
  readonly views: readonly ChartView[]
}

/** SVG of each view of each chart, by `<chart id>-<view name>`. */
export type Drawings = ReadonlyMap<string, string>

/** What a page shows besides the report. */
export interface PageCharts {
  readonly charts: readonly Chart[]
  /** Undefined where they could not be drawn: tables stand in their place. */
  readonly drawings: Drawings | undefined
}
