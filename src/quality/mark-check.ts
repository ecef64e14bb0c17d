/** Texts that hold what nobody sees: byte-order marks, zero-width characters, NUL. They join with nothing and match no filter. */
import { type Engine, readParquet } from '../engine/engine.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { INVISIBLE_RANGES } from '../runtime/plain-text.js'
import { DICTIONARY, type DictionaryColumn } from '../star/dictionary.js'
import type { StagedPaths } from '../star/staged-files.js'
import { type ActiveRule, MOST_EXAMPLES, resultOf } from './active-rule.js'
import { shownSql } from './mask.js'
import type { RuleResult } from './quality-record.js'
import { type RowTotals, writtenFacts } from './row-weights.js'
import { unusableRule } from './rule-columns.js'

/** Word that stands for all columns of texts. */
const OUTPUT = 'output'

/** Sides whose distinct texts are looked at, and the facts for their own identity. */
const AXES = ['attr', 'code', 'group', 'npi', 'fact'] as const
type MarkedAxis = (typeof AXES)[number]

interface MarkedColumn extends DictionaryColumn {
  readonly axis: MarkedAxis
}

const COLUMNS: readonly MarkedColumn[] = DICTIONARY.filter(isMarked)

function isMarked(column: DictionaryColumn): column is MarkedColumn {
  return (column.type === 'string' || column.type === 'list') && AXES.some((axis) => axis === column.axis)
}

/** @throws ConfigError ETL3-CF-13 when a rule names a column that holds no texts of the input */
export function requireMarkColumns(rules: readonly ActiveRule<'marks'>[]): void {
  for (const { name, options } of rules) {
    const unknown = options.columns.find((c) => c !== OUTPUT && !COLUMNS.some((known) => known.name === c))
    if (unknown === undefined) continue
    throw unusableRule(
      name,
      `there is no column of texts ${JSON.stringify(unknown)}`,
      `Columns: ${OUTPUT}, ${COLUMNS.map((c) => c.name).join(', ')}.`,
    )
  }
}

/**
 * Applies the rules: a result for each column that holds such a text, or one for all where none does. The tables of
 * `weighRows` must stand. Each distinct entry is looked at once, not each row.
 */
export async function checkMarks(
  engine: Engine,
  paths: StagedPaths,
  totals: RowTotals,
  rules: readonly ActiveRule<'marks'>[],
): Promise<RuleResult[]> {
  const wanted = COLUMNS.filter(({ name }) => rules.some(({ options }) => isWanted(options.columns, name)))
  const marked = await markedRows(engine, paths, wanted)
  const results: RuleResult[] = []
  for (const rule of rules) {
    const counted = { unit: 'rows', checked: totals.rows } as const
    const found = wanted.filter(({ name }) => isWanted(rule.options.columns, name) && marked.has(name))
    for (const column of found) {
      results.push(
        resultOf(rule, {
          ...counted,
          subject: column.name,
          meaning: `${column.name} holds no character that nobody sees (byte-order mark, zero-width, NUL)`,
          failed: marked.get(column.name) ?? 0,
          examples: await examplesOf(engine, paths, column),
        }),
      )
    }
    if (found.length === 0) {
      const meaning = 'texts hold no character that nobody sees (byte-order mark, zero-width, NUL)'
      results.push(resultOf(rule, { ...counted, meaning, failed: 0, examples: [] }))
    }
  }
  return results
}

function isWanted(columns: readonly string[], name: string): boolean {
  return columns.includes(name) || columns.includes(OUTPUT)
}

/** Rows of the table by column, of the columns that hold such a text. */
async function markedRows(
  engine: Engine,
  paths: StagedPaths,
  wanted: readonly MarkedColumn[],
): Promise<ReadonlyMap<string, number>> {
  const marked = new Map<string, number>()
  for (const axis of AXES) {
    const columns = wanted.filter((c) => c.axis === axis)
    if (columns.length === 0 || !(await anyIsMarked(engine, paths, axis, columns))) continue
    const counts = columns.map(
      (c) => `sum(w.rows) FILTER (${isMarkedText(textOf(c))})::BIGINT AS ${sqlIdentifier(c.name)}`,
    )
    const row = await engine.row(`SELECT ${counts.join(', ')} FROM ${entriesOf(axis, paths)}`)
    for (const { name } of columns) if (row[name] !== null) marked.set(name, Number(row[name]))
  }
  return marked
}

/**
 * Whether there is anything to count: nearly always not, which one look at all texts of an entry together tells. The
 * identities of facts lie together already, 256 in one blob.
 */
async function anyIsMarked(
  engine: Engine,
  paths: StagedPaths,
  axis: MarkedAxis,
  columns: readonly MarkedColumn[],
): Promise<boolean> {
  const [text, source] =
    axis === 'fact'
      ? ['decode(x.uids)', paths.uids]
      : [`concat_ws(' ', ${columns.map(textOf).join(', ')})`, fileOf(axis, paths)]
  const marked = `SELECT count(*) FROM (SELECT ${text} AS text FROM ${readParquet([source])} x) WHERE ${isMarkedText('text')}`
  return (await engine.count(marked)) > 0
}

async function examplesOf(engine: Engine, paths: StagedPaths, column: MarkedColumn): Promise<string[]> {
  const found = `list_distinct(regexp_extract_all(text, ${CLASS}))`
  const codes = `list_aggregate(list_sort(list_transform(${found}, lambda c : printf('U+%04X', unicode(c)))), 'string_agg', ' ')`
  const examples =
    await engine.column(`SELECT concat(${shownSql(column.name, 'text')}, ' holds ', ${codes}, ' (', rows, ' rows)') FROM (
      SELECT ${textOf(column)} AS text, sum(w.rows) AS rows FROM ${entriesOf(column.axis, paths)} WHERE ${isMarkedText(textOf(column))}
      GROUP BY ALL ORDER BY rows DESC, text LIMIT ${MOST_EXAMPLES})`)
  return examples.map(String)
}

/** Entries `x` of an axis with the rows `w.rows` that they have. */
function entriesOf(axis: MarkedAxis, paths: StagedPaths): string {
  if (axis === 'fact')
    return `${writtenFacts(paths)} x JOIN (SELECT group_id, members AS rows FROM group_rows) w ON w.group_id = x.group_id`
  return `${readParquet([fileOf(axis, paths)])} x JOIN weights_${axis} w ON w.${axis}_id = x.${axis}_id`
}

function fileOf(axis: Exclude<MarkedAxis, 'fact'>, { attrs, codes, groups, npis }: StagedPaths): string {
  return { attr: attrs, code: codes, group: groups, npi: npis }[axis]
}

const HEX_RANGES = INVISIBLE_RANGES.map((range) => range.map((code) => `\\x{${code.toString(16)}}`).join('-'))
const CLASS = sqlString(`[\\x00${HEX_RANGES.join('')}]`)

function textOf({ name, type }: DictionaryColumn): string {
  const value = `x.${sqlIdentifier(name)}`
  return type === 'list' ? `array_to_string(${value}, ', ')` : value
}

/** Most texts are ASCII, which two lengths tell; only the others meet the regular expression. */
function isMarkedText(text: string): string {
  return `(contains(${text}, chr(0)) OR (strlen(${text}) <> length(${text}) AND regexp_matches(${text}, ${CLASS})))`
}
