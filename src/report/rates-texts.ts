/** Rates and codes in words, wherever a report tells them. */
import { dollarsText } from './report-figures.js'
import type { PricedCode } from './run-report.js'
import { valueLabel } from './value-label.js'

/** A rate in its unit; – where there is none. */
export function rateText(rate: number | null, unit: string): string {
  if (rate === null) return '–'
  if (unit.startsWith('dollars')) return dollarsText(rate)
  const number = rate.toLocaleString('en-US', { maximumFractionDigits: 2 })
  return unit === 'percent' ? `${number} %` : number
}

/** By how much a rate moved: `+12.5 %`, `−0.4 %`, `× 12` from tenfold on. */
export function moveText(before: number, after: number): string {
  const times = after / before
  if (times >= 10) return `× ${times.toLocaleString('en-US', { maximumSignificantDigits: 3 })}`
  const percent = Math.abs(100 * (times - 1)).toLocaleString('en-US', { maximumFractionDigits: 1 })
  return `${times < 1 ? '−' : '+'}${percent} %`
}

/** `CPT 99213`, with the name where there is one. */
export function codeText({ codeType, code, name }: Pick<PricedCode, 'codeType' | 'code' | 'name'>): string {
  const words = `${codeType === null ? '' : `${valueLabel(codeType)} `}${valueLabel(code)}`
  return name === null || name === '' ? words : `${words}: ${valueLabel(name)}`
}

/** What a rate is for: the class, and the unit where it is not dollars for a service. */
export function termsText({ billingClass, unit }: Pick<PricedCode, 'billingClass' | 'unit'>): string {
  const label = valueLabel(billingClass)
  return unit === 'dollars' ? label : `${label}, ${unit}`
}
