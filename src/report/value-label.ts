/** Names of values for people. */
import { plainText } from '../runtime/plain-text.js'

/** What a report calls a value that is not there. */
export const NO_VALUE = '(none)'

/** A value of the data as a label: NULL and the empty text in words, controls visible. */
export function valueLabel(value: string | null): string {
  if (value === null) return NO_VALUE
  return value === '' ? '(empty)' : plainText(value)
}

/** Characters of a label beside a bar. */
const MOST_CHARACTERS = 17

/** Pixels of a character at 12 px, on the wide side. */
const CHARACTER_PX = 6.6

/** A label that fits beside a bar; the whole of it stands in the table behind the chart. */
export function shortLabel(label: string): string {
  const characters = [...label]
  return characters.length <= MOST_CHARACTERS ? label : `${characters.slice(0, MOST_CHARACTERS - 1).join('')}…`
}

/** Width of an axis with such labels, in pixels. Vega itself, without a canvas, only guesses what a text takes. */
export function labelExtent(labels: readonly string[]): number {
  return Math.ceil(CHARACTER_PX * Math.max(0, ...labels.map((label) => [...label].length))) + 8
}
