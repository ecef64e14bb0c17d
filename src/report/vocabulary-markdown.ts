/** `docs/vocabulary.md`: which words decide what, from the vocabularies. */
import { type Term, VOCABULARIES, type Vocabulary } from '../star/vocabulary.js'

const HEAD = `# Vocabulary

This page is generated from \`src/star/vocabulary.ts\`. Don't edit it; regenerate it:

\`\`\`sh
npx vitest run test/unit/docs --update
\`\`\`

Some columns decide something by their words. This page says which words are known, what they mean, and what becomes of the
others. The table keeps each value as the input has it: only columns that are computed, and the choice of rows, read the words.

## How words are compared

- Letters A to Z may be small or capital. Letters beyond ASCII count as they are.
- Blanks of every kind (Unicode category Z, so no-break spaces too), control characters and invisible marks (C: tabs, line ends,
  U+FEFF, U+200B …), dashes (Pd and U+2212) and underscores do not count, wherever they stand: \`Fee_Schedule\`, \`fee-schedule\` and
  \`fee schedule \` are one word.
- A text of which nothing remains is a blank, and means what NULL means.
- Nothing else is made equal: no part of a word, no other ending, no quotation marks.
- What is marked *as they stand* is compared byte by byte.

## What is reported

*Published* words stand in a specification of the field. *Other spellings* are understood as well. Both lists are complete.

The rule \`vocabulary\` ([quality](quality.md)), on by default, warns of each word that is not published: of other spellings, of
published words with blanks or marks in them (small or capital letters are the same to it), and of words that are not known. It
says for each word how often it occurs and what it is read as. NULL and the empty text are no words: rules of kind \`null_ratio\`
count them. For \`state\` and \`billing_class\` the rules \`market_state\`, \`provider_state\` and \`billing_class\` tell the same.

A word that is not known is never guessed: no dollars, no per cent, no Medicare rate, NULL in what is computed.
`

const NOTES: Readonly<Record<string, string>> = {
  negotiated_type: `Only dollars are compared with Medicare: \`rate_to_medicare_ratio\` and \`is_above_medicare\` are NULL for all else. A
Medicare rate is the price of one service; a \`per diem\` pays for a day of a stay and a case rate for a whole case, so read their
ratios with \`negotiated_type\` beside them.
`,
  address_purpose: `\`PRIMARY\` and \`SECONDARY\` are the words of the NPPES API for the first and the other practice locations. Rows of one provider and
one \`address_hash\` whose purposes are spellings of LOCATION have the same key: equal ones count once, differing ones stop the run
(\`ETL3-IN-08\`), unless \`input.duplicates\` is \`first\`.
`,
  modifier: `Medicare rows without a modifier have the same key if \`state\` (in any spelling), \`code_type\`, \`code\`, \`data_year\` and \`year_month\` are the
same: equal ones count once, differing ones stop the run (\`ETL3-IN-08\`).
`,
  country_code: `An address that is not known to lie in the United States has no Medicare rate: not by its own \`state\`, since a Canadian \`ON\` is no
state and a German \`DE\` is not Delaware, and not by the market of the fact either, since Medicare has no rate for a provider
abroad. All columns of the Medicare row are NULL then. The territories count as the United States; where the address has no
state, the territory is its state. The military states (\`AA\`, \`AE\`, \`AP\`) count as the United States whatever the country is.
`,
  state: `The state of a provider, of a market and of a Medicare row are compared in this way: \` tx\`, \`Tx\` and \`Texas\` are \`TX\`. A text that is no
state joins with the Medicare rows that hold the same text, if there are any. The columns \`state\` and \`market_state\`, and the
partitions, keep what the input has.
`,
  code_type: `A code is looked up with the same \`code_type\` and \`code\`, byte by byte, in \`dim_code\` and in the Medicare table. \`cpt\` does not find the
rows of \`CPT\`, and the rule tells it.
`,
}

/** The whole page, as Markdown that ends with a line end. */
export function vocabularyMarkdown(): string {
  return [HEAD, ...VOCABULARIES.map(section)].join('\n')
}

function section(vocabulary: Vocabulary): string {
  const { column, tables, decides, terms, blank, others, form, exact } = vocabulary
  const rows = [
    ...inGroups(Object.values(terms)).map(({ says, published, synonyms = [] }) => [
      says,
      list(published),
      list(synonyms),
    ]),
    ...(form === undefined ? [] : [[form.says, `texts like \`${form.pattern.replaceAll('|', '\\|')}\``, '']]),
    [blank, 'NULL, blanks', ''],
    [others, '', 'anything else'],
  ]
  const note = NOTES[column]
  return `## ${column}

Of ${tables.map((t) => `\`${t}\``).join(', ')}. Decides ${decides}.${exact ? ' Words are compared as they stand.' : ''}

${table(['read as', 'published', 'other spellings'], rows)}${note === undefined ? '' : `\n${note}`}`
}

/** Terms of one word each, as those of the states, would take a row each: their words say enough. */
function inGroups(terms: readonly Term[]): readonly Term[] {
  if (terms.length < 20) return terms
  return [
    {
      says: 'the state',
      published: terms.flatMap((t) => t.published),
      synonyms: terms.flatMap((t) => t.synonyms ?? []),
    },
  ]
}

function list(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
