/** The axis of bars that stand for values: each with its label, also where two labels look the same. */
import { COLOUR } from './chart-theme.js'

/** Field `key` of a bar's data: its place keeps two bars apart whose labels look the same. */
export function barKey(place: number, label: string): string {
  return `${place}|${label}`
}

/** The encoding of the axis, for data with a field `key`, in the order of the data. */
export const LABELLED_BARS = {
  field: 'key',
  type: 'nominal',
  sort: null,
  title: null,
  axis: {
    labelExpr: "slice(datum.label, indexof(datum.label, '|') + 1)",
    domain: false,
    labelColor: COLOUR.ink,
  },
} as const
