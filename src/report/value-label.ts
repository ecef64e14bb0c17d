/** Names of values for people. */
import { plainText } from '../runtime/plain-text.js'

/** What a report calls a value that is not there. */
export const NO_VALUE = '(none)'

/** A value of the data as a label: NULL and the empty text in words, controls visible. */
export function valueLabel(value: string | null): string {
  if (value === null) return NO_VALUE
  return value === '' ? '(empty)' : plainText(value)
}
