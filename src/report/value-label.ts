/** Names of values for people. */
import { plainText } from '../runtime/plain-text.js'

/** What a report calls a value that is not there. */
export const NO_VALUE = '(none)'

/** A value of the data as a label: NULL and the empty text in words, controls visible. */
export function valueLabel(value: string | null): string {
  if (value === null) return NO_VALUE
  return value === '' ? '(empty)' : plainText(value)
}

/** How much of a chart's width its labels may take; the rest is for bars and figures. */
const LABELS_SHARE = 0.42

/** Beyond that, a label is read in the table behind the chart. */
const MOST_CHARACTERS = 48

/** Pixels of a character at 12 px, on the wide side. */
const CHARACTER_PX = 6.6

/** Between label and bar. */
const EXTENT_PX = 8

/**
 * A label that fits beside a bar, cut only where there is no room; the whole of it stands in the table behind the chart.
 * @param width of the chart, in pixels
 */
export function shortLabel(label: string, width: number): string {
  const characters = [...label]
  const most = Math.min(MOST_CHARACTERS, Math.floor((LABELS_SHARE * width - EXTENT_PX) / CHARACTER_PX))
  return characters.length <= most ? label : `${characters.slice(0, most - 1).join('')}…`
}

/** Width of an axis with such labels, in pixels. Vega itself, without a canvas, only guesses what a text takes. */
export function labelExtent(labels: readonly string[]): number {
  return Math.ceil(CHARACTER_PX * Math.max(0, ...labels.map((label) => [...label].length))) + EXTENT_PX
}
