/** What the activities count for metrics: rows, partitions and bytes of each unit. */
import { Context } from '@temporalio/activity'
import type { UnitDone } from '../contract/activities.js'

/** Counts a unit that was written or published; goes nowhere unless metrics are configured. */
export function countUnit(step: 'written' | 'published', { rows, partitions, bytes }: UnitDone): void {
  const meter = Context.current().metricMeter
  const count = (what: string, unit: string, value: number): void =>
    meter.createCounter(`etl3_${what}_${step}`, unit, `${what} ${step} by finished units`).add(value)
  count('rows', 'rows', rows)
  count('partitions', 'partitions', partitions)
  count('bytes', 'bytes', bytes)
}
