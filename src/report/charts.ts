/** All charts of a report, in the order of the page. */
import { changesCharts } from './changes-chart.js'
import type { Chart } from './chart.js'
import { contentsCharts } from './contents-charts.js'
import { courseCharts } from './course-charts.js'
import { placementCharts } from './placement-chart.js'
import type { RunReport } from './run-report.js'

/** The charts that a run has data for. */
export function chartsOf(report: RunReport): readonly Chart[] {
  return [...changesCharts(report), ...contentsCharts(report), ...placementCharts(report), ...courseCharts(report)]
}
