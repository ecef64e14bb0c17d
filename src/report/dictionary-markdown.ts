/** `docs/data-dictionary.md`: what the table holds and what ETL3 reads, from the dictionary and the input contract. */
import { CONTRACT, type ColumnKind, type ContractTable } from '../star/contract.js'
import { DICTIONARY } from '../star/dictionary.js'
import { partitionUse } from '../star/dictionary-export.js'
import { VOCABULARIES } from '../star/vocabulary.js'

const HEAD = `# Data dictionary

This page is generated from \`src/star/dictionary.ts\` and \`src/star/contract.ts\`. Don't edit it; regenerate it:

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

const INPUT_HEAD = `## What ETL3 reads

Paths are relative to \`input.root\`; \`input.tables\` replaces them one by one. A missing required table or column stops the
run. A missing optional table counts as empty and a missing optional column as NULL; both are listed in the report. Other
columns are ignored and listed. Rows with the same key that are equal in all columns read count once; differing ones stop
the run unless \`input.duplicates\` is \`first\`.
`

const KINDS: Readonly<Record<ColumnKind, string>> = {
  id: 'text or whole number, read as text',
  text: 'any scalar, read as text',
  number: 'number',
  integer: 'whole number',
  texts: 'list, items read as text',
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
  return `${[`${HEAD}\n${columns}`, INPUT_HEAD, ...CONTRACT.map(inputSection)].join('\n')}`
}

function inputSection({ name, path, required, key, columns }: ContractTable): string {
  const keyText = key.length === 0 ? 'no key' : `key: ${key.map((k) => `\`${k}\``).join(', ')}`
  const rows = columns.map((c) => [
    `\`${c.name}\``,
    `${KINDS[c.kind]}${wordsOf(name, c.name)}`,
    c.required ? 'required' : 'optional',
  ])
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
