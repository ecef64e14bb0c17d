/** Figures that only reports tell. */

/** `$0.42`, `$1,204.50`: cents always, so that rates line up. */
export function dollarsText(dollars: number): string {
  return `$${dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
}

/** `1.24×`, with three significant digits. */
export function ratioText(ratio: number): string {
  return `${Number(ratio.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 })}×`
}

/** A part of a whole, `12.3 %`. What is not all is never 100, and what is something is never 0. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return '0 %'
  const percent = (100 * part) / whole
  if (part > 0 && percent < 0.05) return '< 0.1 %'
  if (part < whole && percent > 99.95) return '> 99.9 %'
  return `${percent.toLocaleString('en-US', { maximumFractionDigits: 1 })} %`
}

/** `+1,204`, `−3`, `±0`: a difference. */
export function differenceText(difference: number): string {
  if (difference === 0) return '±0'
  return `${difference > 0 ? '+' : '−'}${Math.abs(difference).toLocaleString('en-US', { maximumFractionDigits: 1 })}`
}
