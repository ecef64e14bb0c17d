/** `docs/data-dictionary.md`: what the table holds and what ETL3 reads, from the dictionary and the input contract. */
import { PAYER_RATE_COLUMNS, RATE_COLUMNS, type RateColumn } from '../rates/rate-columns.js'
import { widthText } from '../star/code-widths.js'
import { type ColumnKind, formOf } from '../star/column-kinds.js'
import { CONTRACT, type ContractColumn, type ContractTable } from '../star/contract.js'
import { DICTIONARY } from '../star/dictionary.js'
import { partitionUse } from '../star/dictionary-export.js'
import { VOCABULARIES } from '../star/vocabulary.js'

const HEAD = `# Data dictionary

This page is generated from \`src/star/dictionary.ts\`, \`src/rates/rate-columns.ts\`, \`src/star/contract.ts\` and
\`src/star/column-kinds.ts\`. Don't edit it; regenerate it:

\`\`\`sh
npx vitest run test/unit/docs --update
\`\`\`

## The table \`fact_rate_enriched\`

One row per (\`fact_uid\`, \`npi\`): a negotiated rate and one provider of its group. A fact whose group has no valid
member has one row with a NULL \`npi\`. Rows of a file are in the order of code, fact_uid, npi. Every column can be NULL.

*Partition* says whether a column can stand in \`partitioning.partition_columns\`, and on which side of the key: a column
of the fact is part of the slice, a column of the provider is part of the cell. An empty string in a partition column is
written as NULL and counted.

The [vocabulary](vocabulary.md) says which words of the input decide what is computed, and in which spellings.
`

const RATES_HEAD = `## The tables \`rates\` and \`rates_by_payer\`

What each payer has agreed to pay for each code: small tables that each run takes from all facts of the table and leaves as
\`rates.parquet\` and \`rates_by_payer.parquet\` in its folder. The embedded catalog has them as \`etl3.rates\` and
\`etl3.rates_by_payer\`, and beside the table as \`fact_rate_enriched_rates\` and \`fact_rate_enriched_rates_by_payer\`.
All months of the table are together.

- \`rates\` has one row per payer, state, billing class, code and unit.
- \`rates_by_payer\` has one row per payer, billing class, code and unit, with all states together. Quartiles of parts do not
  give those of the whole, and a fact whose providers are in several states counts in each of them: so take figures of a
  payer from here.

Quartiles are exact and are rates that occur: the lowest rate at or below which a quarter, half or three quarters of the
facts lie (\`quantile_disc\` in DuckDB, \`PERCENTILE_DISC\` in SQL). They are over facts: a rate that was negotiated once for a
group of 800 providers counts once, not 800 times. \`rate_median_of_rows\` is the median that a query over the table gives,
in which it counts 800 times. Amounts for one service, for one day, for one case and percentages are never in one row.
Facts that were set aside are in neither table. Rates of zero and below are counted, if the rules keep them.
`

const INPUT_HEAD = `## What ETL3 reads

Paths are relative to \`input.root\`; \`input.tables\` replaces them one by one. A missing required table or column stops the
run. A missing optional table counts as empty and a missing optional column as NULL; both are listed in the report. Other
columns are ignored and listed. Rows with the same key that are equal in all columns read count once; differing ones stop
the run unless \`input.duplicates\` is \`first\`.

Names of columns match without regard to case (ASCII and Unicode lower case), and blanks and a byte order mark (U+FEFF)
around a name are no part of it. Two columns of a file that are one name by this rule are refused where ETL3 reads that
name (\`ETL3-IN-12\`); DuckDB writes the second of \`City\` and \`city\` as \`city_1\`, which is
refused as well. A column that is missing while a similar one is there is named with it.
`

const TYPES_HEAD = `### Types

The physical type of a column may differ from file to file. Each kind of column below takes these types, and makes the
value from them as the table says; what is refused stops the run (\`ETL3-IN-05\`) with the column, its type, a value and
the file. NULL stays NULL in every kind. A column whose type is Null (every value is NULL) counts as NULL.
`

const TYPES_FOOT = `Everything else is refused: times of day, intervals, structures, maps, lists where no list is wanted, geometries, variants,
and decimals of more than 38 digits. Such columns do no harm where ETL3 does not read them.

- **Text** stays as it is, byte for byte: no blanks are taken away, no zeros put in front. Only \`month\` and \`date\` read it.
  A UUID is written in lower case with dashes. Bytes must be valid UTF-8 (no surrogates, no overlong forms).
- **Digits** of a whole number have a minus sign where it is negative, no plus sign, no point, no zeros in front. Minus
  zero is \`0\`. A fraction (only \`text\` takes one) of a decimal keeps all digits of its scale (\`12.50\`); of floating
  point it has the shortest digits that read back as the same number of its width, as in Python's \`repr\`
  (\`690.64462\`, \`1e-05\`).
- **Width**: a file that holds a code as a number has lost the zeros in front of it; they are put back up to the width,
  and a warning says in how many rows, with an example. The width of \`5 or 9 digits\` is 5 for up to 5 digits, 9 for 6 to
  9. \`code_type\` gives a width as it stands in the same row, without regard to case and to spaces around it. Longer numbers,
  negative ones, and codes of another \`code_type\` keep their digits. Text is never padded. Tax ids and NPIs have no
  width: NPIs begin with 1 or 2, and payers write tax ids both with and without the zero.
- **Other forms**: a text \`county_fips\` or \`stat_area_code\` that is not five digits, and a Medicare \`year_month\` that is
  no month, stay as they are, and a warning says in how many rows, with an example.
- **\`date\`** gives \`YYYY-MM-DD\` of these texts, with blanks, tabs and line ends around them or not: \`YYYY-MM-DD\` (not
  checked further); \`YYYY-M-D\` or \`YYYY/M/D\` with one or two digits each, and \`YYYYMMDD\`, where they are a day of the
  calendar; \`YYYY-MM-DD\`, a \`T\` or a space, \`HH:MM\` or \`HH:MM:SS\` or \`HH:MM:SS.f…\`, and then nothing or a zone:
  \`Z\`, \`UTC\`, \`±HH\`, \`±HHMM\`, \`±HH:MM\`, with a space before it or not. The clock is that of 24 hours, with \`24:00\` for
  the end of a day. Without a zone the day is the one that is written, with a zone it is the day in UTC. A day that the
  calendar does not have, or outside the years 1 to 9999, and any other text stay as they are.
- **\`month\`** gives \`YYYY-MM\` of \`YYYY-MM\`, \`YYYY/MM\`, \`YYYYMM\` with a month of 01 to 12, of \`YYYY-M\`, \`YYYY/M\`,
  and of all that \`date\` reads as a day of the calendar. Any other text stays as it is; the quality rule \`year_month\`
  tells of it.
- **Points in time** with a zone are instants: their day and month are those in UTC. Without a zone they are taken as
  written. Neither the worker's time zone nor its locale has a part in it.
- A **list** of codes takes each item by the type of the items. A list in which every item is NULL is a list.
`

/** A type of each family, in the order of the page, and what the family is called there. */
const TYPES: readonly (readonly [string, string])[] = [
  ['VARCHAR', 'text: strings, enumerations, UUID, JSON'],
  ['BLOB', 'bytes: strings without the mark of text'],
  ['BIGINT', 'whole number of any width, signed or not'],
  ['DECIMAL(38,2)', 'decimal of at most 38 digits'],
  ['DOUBLE', 'floating point'],
  ['BOOLEAN', 'boolean'],
  ['DATE', 'date'],
  ['TIMESTAMP', 'point in time of any unit, INT96 too, in UTC or without a zone'],
]

/** Kinds of single values, in the order of the page. */
const SCALAR_KINDS: readonly Exclude<ColumnKind, 'codes'>[] = [
  'id',
  'text',
  'code',
  'month',
  'date',
  'number',
  'integer',
]

/** What a column holds, in a few words: the tables of types say the rest. */
function kindText({ kind, width }: ContractColumn): string {
  const digits = width === undefined ? '' : `, ${widthText(width)}`
  return kind === 'codes' ? `list of code${digits}` : `${kind}${digits}`
}

function presenceText({ required, whenMissing }: ContractColumn): string {
  if (required) return 'required'
  return whenMissing === undefined ? 'optional' : `optional; without it, with a warning, ${whenMissing}`
}

function typesSection(): string {
  const rows = TYPES.map(([type, words]) => [
    words,
    ...SCALAR_KINDS.map((kind) => formOf(kind, type, () => '0')?.says ?? 'refused'),
  ])
  return `${TYPES_HEAD}\n${table(['the file holds', ...SCALAR_KINDS.map((kind) => `\`${kind}\``)], rows)}\n${TYPES_FOOT}`
}

/** The whole page, as Markdown that ends with a line end. */
export function dictionaryMarkdown(): string {
  const columns = table(
    ['#', 'column', 'type', 'partition', 'source', 'meaning'],
    DICTIONARY.map((column, i) => [
      String(i + 1),
      `\`${column.name}\``,
      column.type === 'list' ? 'list of strings' : column.type,
      partitionUse(column) ?? 'no',
      `\`${column.source}\``,
      escapeCell(column.meaning),
    ]),
  )
  return `${[`${HEAD}\n${columns}`, ratesSection(), INPUT_HEAD, typesSection(), ...CONTRACT.map(inputSection)].join('\n')}`
}

/** Both tables have the same columns, but for the state. */
function ratesSection(): string {
  const where = (column: RateColumn): string => (PAYER_RATE_COLUMNS.includes(column) ? 'both' : '`rates`')
  const rows = RATE_COLUMNS.map((column) => [
    `\`${column.name}\``,
    column.type,
    where(column),
    escapeCell(column.meaning),
  ])
  return `${RATES_HEAD}\n${table(['column', 'type', 'in', 'meaning'], rows)}`
}

function inputSection({ name, path, required, key, columns }: ContractTable): string {
  const keyText = key.length === 0 ? 'no key' : `key: ${key.map((k) => `\`${k}\``).join(', ')}`
  const rows = columns.map((c) => [`\`${c.name}\``, `${kindText(c)}${wordsOf(name, c.name)}`, presenceText(c)])
  return `### ${name}

\`${path}\`, ${required ? 'required' : 'optional'}, ${keyText}

${table(['column', 'what it holds', ''], rows)}`
}

/** Where the words of a column decide something: the place that says which. */
function wordsOf(name: ContractTable['name'], column: string): string {
  const decides = VOCABULARIES.some((v) => v.column === column && v.tables.includes(name))
  return decides ? `; its [words](vocabulary.md#${column})` : ''
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** Texts of the code that stand in a table: a bar would end the cell. */
function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
