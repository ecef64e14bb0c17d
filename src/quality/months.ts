/** Months as the facts write them, and how far they may be from the clock of a run. */

/** The months that are neither too old nor in the future, as YYYY-MM. */
export interface MonthRange {
  readonly earliest: string
  readonly latest: string
}

/** Months around that of a moment (UTC). */
export function monthsAround(moment: Date, before: number, after: number): MonthRange {
  return { earliest: month(moment, -before), latest: month(moment, after) }
}

function month(moment: Date, offset: number): string {
  const months = moment.getUTCFullYear() * 12 + moment.getUTCMonth() + offset
  const year = Math.min(9999, Math.max(0, Math.floor(months / 12)))
  return `${String(year).padStart(4, '0')}-${String((((months % 12) + 12) % 12) + 1).padStart(2, '0')}`
}
