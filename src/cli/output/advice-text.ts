/** The comparison of partition layouts, as text. */
import type { Advice, LayoutFigures, Spread, TypicalQuery } from '../../plan/advise.js'
import { bytesText, countOf, countText } from './figures.js'
import type { Palette } from './palette.js'

/** The best ones, besides the configured layout and its prefixes. */
const MOST_LAYOUTS = 12
const SMALL_SHARE = 0.05

/** Warning, table of layouts, choice and why. */
export function adviceText(advice: Advice, palette: Palette): string {
  const { configured, layouts, chosen, queries } = advice
  const shown = layouts.filter((layout, i) => i < MOST_LAYOUTS || layout === configured)
  return [
    ...(advice.smallFiles ? [warning(configured, palette), ''] : []),
    palette.bold('layouts, the best for these queries first'),
    ...table(shown, (layout) => (layout === chosen ? '→' : layout === configured ? '·' : ' ')),
    '',
    `Queries by: ${queries.map(queryText).join(', ')}. "opens" is the mean of objects that they open, for a value as frequent as its`,
    'rows; columns that a layout lacks prune nothing. Bytes are estimated; dollars are requests to S3 at list price.',
    '',
    palette.bold('choice'),
    ...choice(advice),
  ].join('\n')
}

function warning({ rowsPerFile, bytesPerFile, partitions }: LayoutFigures, palette: Palette): string {
  return `${palette.yellow('warning:')} the median file of the configured layout holds ${countOf(Math.round(rowsPerFile.median), 'row')} (${bytesText(bytesPerFile.median)}): with ${countOf(partitions, 'file')} a query spends its time opening them`
}

function table(layouts: readonly LayoutFigures[], mark: (layout: LayoutFigures) => string): string[] {
  const head = [
    '',
    'files',
    'rows/file p10 · median · p99',
    'bytes/file',
    'opens',
    'write $',
    '1,000 queries $',
    'columns',
  ]
  const rows = layouts.map((layout) => [
    mark(layout),
    countText(layout.partitions),
    spreadText(layout.rowsPerFile),
    bytesText(Math.round(layout.bytesPerFile.median)),
    countText(Math.round(opens(layout))),
    layout.writeDollars.toFixed(2),
    layout.thousandQueriesDollars.toFixed(2),
    layout.columns.join(', '),
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => (i === head.length - 1 ? cell : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

function choice({ configured, chosen }: Advice): string[] {
  const gain = 1 - chosen.effortBytes / configured.effortBytes
  if (chosen === configured || gain < SMALL_SHARE) {
    return [`Keep ${configured.columns.join(', ')}: no other layout makes these queries much cheaper.`]
  }
  const fewer =
    chosen.partitions < configured.partitions
      ? `${countOf(chosen.partitions, 'file')} instead of ${countText(configured.partitions)}, the median with ${countOf(Math.round(chosen.rowsPerFile.median), 'row')} instead of ${countText(Math.round(configured.rowsPerFile.median))}`
      : `${countOf(chosen.partitions, 'file')}, more than the ${countText(configured.partitions)} of now, but queries skip more of them`
  return [
    `partition_columns: [${chosen.columns.join(', ')}]`,
    `${fewer}; a query opens ${countText(Math.round(opens(chosen)))} instead of ${countText(Math.round(opens(configured)))} objects on average.`,
    'The columns that are left out stay ordinary columns of the files. A change of the input rewrites whole files: larger ones',
    'mean more bytes for a small change. Other partition columns make another table: every partition is written anew.',
  ]
}

function opens({ queries }: LayoutFigures): number {
  return queries.reduce((sum, { objects }) => sum + objects, 0) / Math.max(1, queries.length)
}

function queryText(query: TypicalQuery): string {
  return query.length === 0 ? 'nothing (the whole table)' : query.join('+')
}

function spreadText({ p10, median, p99 }: Spread): string {
  return [p10, median, p99].map((value) => countText(Math.round(value))).join(' · ')
}
