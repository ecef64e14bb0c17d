/** Figures as people read them. */

const BYTE_UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const

/** `1,444,461`, with up to three decimals. Without Intl, which differs between machines: a replay must give the same text. */
export function countText(count: number): string {
  const [whole = '', fraction] = String(Number(count.toFixed(3))).split('.')
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

/** `1 row`, `2 rows`; the plural adds an s unless it is given. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`
}

/**
 * `312 bytes`, `48.1 MB`: the size of data, wherever a person reads it. A KB is 1,000 bytes, as in the prices of stores and
 * in DuckDB. (A memory limit of so many MB counts 1,048,576 bytes for each, as the kernel does.)
 */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  // What would be written as 1000.0 is 1.0 of the next unit.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? countText(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`
}

/** `0.4 s`, `12.0 s`, `3 min 05 s`, `2 h 07 min` */
export function secondsText(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`
  const minutes = Math.round(whole / 60)
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
}

/** Share of a whole in percent, `56 %`; never 100 before it is all done. */
export function percentText(done: number, total: number): string {
  if (total <= 0 || done >= total) return '100 %'
  return `${Math.min(99, Math.floor((done / total) * 100))} %`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
