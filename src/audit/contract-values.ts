/**
 * How a stored value becomes the contract's value: what docs/data-dictionary.md ("Types") says of each kind of column,
 * written down a second time. Staging says the same in SQL; the two share no word.
 */
import { isoDate, isoMonth } from './calendar.js'
import { NotCovered } from './not-covered.js'
import type { Decimal, Instant, Scalar } from './scalars.js'

/** A value of the contract: text, a number, a list of texts, or nothing. */
export type ContractValue = null | string | number | readonly (string | null)[]

/**
 * Turns a stored value into the contract's.
 * @param codeType of the same row, for columns whose width hangs on it
 * @throws NotCovered for what the contract refuses: a run that read it would not have come to its audit
 */
export type ValueRule = (scalar: Scalar, codeType?: string | null) => string | number | null

/** From here on not every whole number is one of the type. */
const DOUBLE_WHOLE_END = 2 ** 53
const FLOAT_WHOLE_END = 2 ** 24

/** Text or a whole number, as its digits. */
export const asId: ValueRule = (scalar) => {
  if (scalar === null || typeof scalar === 'string') return scalar
  return digitsOf(scalar)
}

/** Any single value as text. */
export const asText: ValueRule = (scalar) => {
  if (scalar === null || typeof scalar === 'string') return scalar
  if (typeof scalar === 'boolean' || typeof scalar === 'bigint') return String(scalar)
  if (typeof scalar === 'number') return floatText(scalar, DOUBLE_WHOLE_END, scalar.toExponential())
  switch (scalar.kind) {
    case 'float32':
      return floatText(scalar.value, FLOAT_WHOLE_END, shortestFloat(scalar.value))
    case 'decimal':
      return decimalText(scalar)
    case 'day':
      return dayText(scalar.days)
    case 'instant':
      return momentText(scalar)
  }
}

/** A code: where it is a number, with the zeros in front that it has lost. */
export function asCode(width: (digits: number, codeType: string | null) => number): ValueRule {
  return (scalar, codeType = null) => {
    if (scalar === null || typeof scalar === 'string') return scalar
    const digits = digitsOf(scalar)
    return digits.startsWith('-') ? digits : digits.padStart(width(digits.length, codeType), '0')
  }
}

/** A date: what can be read as a day becomes YYYY-MM-DD. */
export const asDate: ValueRule = (scalar) => {
  if (scalar === null) return null
  if (typeof scalar === 'string') return isoDate(scalar)
  if (isKind(scalar, 'day')) return dayText(scalar.days)
  if (isKind(scalar, 'instant')) return dayText(dayOf(scalar))
  return isoDate(digitsOf(scalar))
}

/** A month: what can be read as one becomes YYYY-MM. */
export const asMonth: ValueRule = (scalar) => {
  if (scalar === null) return null
  if (typeof scalar === 'string') return isoMonth(scalar)
  if (isKind(scalar, 'day')) return dayText(scalar.days).slice(0, 7)
  if (isKind(scalar, 'instant')) return dayText(dayOf(scalar)).slice(0, 7)
  return isoMonth(digitsOf(scalar))
}

/** A number, as double. */
export const asNumber: ValueRule = (scalar) => {
  if (scalar === null) return null
  if (typeof scalar === 'number' || typeof scalar === 'bigint') return Number(scalar)
  if (isKind(scalar, 'float32')) return scalar.value
  if (isKind(scalar, 'decimal')) {
    // Beyond that the nearest double is a matter of how it is computed.
    if (Math.abs(Number(scalar.unscaled)) >= DOUBLE_WHOLE_END) throw new NotCovered('a decimal has too many digits')
    return Number(`${scalar.unscaled}e-${scalar.scale}`)
  }
  throw refused('a number')
}

/** A whole number. */
export const asInteger: ValueRule = (scalar) => {
  if (scalar === null) return null
  if (typeof scalar === 'string') throw refused('a whole number')
  return Number(digitsOf(scalar))
}

function isKind<K extends 'float32' | 'decimal' | 'day' | 'instant'>(
  scalar: Scalar,
  kind: K,
): scalar is Extract<Scalar, { readonly kind: K }> {
  return scalar !== null && typeof scalar === 'object' && scalar.kind === kind
}

/** Digits of a whole number, whatever type it has. */
function digitsOf(scalar: Exclude<Scalar, null | string>): string {
  if (typeof scalar === 'bigint') return String(scalar)
  if (typeof scalar === 'number') return wholeText(scalar, DOUBLE_WHOLE_END)
  if (isKind(scalar, 'float32')) return wholeText(scalar.value, FLOAT_WHOLE_END)
  if (isKind(scalar, 'decimal')) {
    const text = decimalText(scalar)
    if (!text.includes('.')) return text
  }
  throw refused('a whole number')
}

function wholeText(value: number, end: number): string {
  if (!Number.isInteger(value) || Math.abs(value) >= end) throw refused('a whole number')
  return String(value)
}

/** @param exponential the shortest digits that mean the number, as `d.ddde±x` */
function floatText(value: number, end: number, exponential: string): string {
  if (!Number.isFinite(value) || Math.abs(value) >= end) throw refused('text')
  if (Number.isInteger(value)) return String(value)
  const [digits = '', exponent = '0'] = exponential.split('e')
  // As in Python's repr: an exponent from the fifth place behind the point on, with two digits at least.
  if (Number(exponent) < -4) return `${digits}e-${exponent.slice(1).padStart(2, '0')}`
  return String(Number(exponential))
}

/** The shortest decimal that reads as the same FLOAT; nine digits always do. */
function shortestFloat(value: number): string {
  for (let behind = 0; behind < 8; behind++) {
    const text = value.toExponential(behind)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential(8)
}

function decimalText({ unscaled, scale }: Decimal): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const fraction = digits.slice(-scale)
  const text = `${digits.slice(0, -scale)}${/^0*$/.test(fraction) ? '' : `.${fraction}`}`
  return unscaled < 0n && text !== '0' ? `-${text}` : text
}

const SECONDS_PER_DAY = 86_400n

function dayOf({ ticks, ticksPerSecond }: Instant): bigint {
  const perDay = ticksPerSecond * SECONDS_PER_DAY
  const days = ticks / perDay
  return ticks % perDay < 0n ? days - 1n : days
}

/** Proleptic Gregorian, as the format wants it. */
function dayText(days: bigint): string {
  const date = new Date(Number(days) * 86_400_000)
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) throw refused('a date of the years 1 to 9999')
  return date.toISOString().slice(0, 10)
}

function momentText(instant: Instant): string {
  const day = dayOf(instant)
  const { ticks, ticksPerSecond } = instant
  const rest = ticks - day * SECONDS_PER_DAY * ticksPerSecond
  const seconds = rest / ticksPerSecond
  const two = (value: bigint): string => String(value).padStart(2, '0')
  const time = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`
  const places = String(ticksPerSecond).length - 1
  const fraction = String(rest % ticksPerSecond)
    .padStart(places, '0')
    .replace(/0+$/, '')
  return `${dayText(day)} ${time}${fraction === '' ? '' : `.${fraction}`}`
}

function refused(what: string): NotCovered {
  return new NotCovered(`a value is not ${what}, as the contract wants it`)
}
