/** How charts look. Colours are the page's own variables, so that one drawing serves light and dark. */
import type { Config } from 'vega-lite'

/** Colours by what they mean; the page's style sheet defines the variables. */
export const COLOUR = {
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  line: 'var(--line)',
  surface: 'var(--surface)',
  band: 'var(--band)',
  main: 'var(--c-main)',
  second: 'var(--c-second)',
  added: 'var(--c-added)',
  replaced: 'var(--c-replaced)',
  kept: 'var(--c-kept)',
  removed: 'var(--c-removed)',
  limit: 'var(--c-limit)',
  warn: 'var(--c-warn)',
} as const

/** Widths of drawings in pixels: half or all of a wide page, a column of three, a phone. */
export const WIDTH = { full: 1080, half: 520, third: 340, phone: 340 } as const

/** Vega expression for the label of a count: `20k`. */
export const SHORT_COUNT = "format(datum.value, '~s')"

const FONT = 'system-ui, sans-serif'
const FONT_SIZE = 12

/** The theme of all charts. */
export const THEME: Config = {
  font: FONT,
  background: 'transparent',
  padding: 2,
  // The page says what a chart shows; marks need no words of their own.
  aria: false,
  view: { stroke: null },
  axis: {
    labelColor: COLOUR.muted,
    titleColor: COLOUR.muted,
    titleFontWeight: 'normal',
    labelFontSize: FONT_SIZE,
    titleFontSize: FONT_SIZE,
    domainColor: COLOUR.line,
    gridColor: COLOUR.line,
    ticks: false,
    labelPadding: 6,
    titlePadding: 8,
  },
  legend: {
    labelColor: COLOUR.ink,
    labelFontSize: FONT_SIZE,
    orient: 'top',
    direction: 'horizontal',
    symbolType: 'square',
    symbolStrokeWidth: 0,
    symbolSize: 110,
    columnPadding: 14,
    title: null,
    offset: 8,
  },
  text: { font: FONT, fontSize: FONT_SIZE, color: COLOUR.ink },
}
