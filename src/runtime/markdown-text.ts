/** Text in Markdown, escaped in the one place. */
import { plainText } from './plain-text.js'

/** Text in a line or a cell of a table: no markup, no line break, no end of the cell. */
export function markdownText(text: string): string {
  return plainText(text).replace(/[\\`*_{}[\]<>|#~&!]/g, (c) => `\\${c}`)
}

/** Text between backticks. */
export function markdownCode(text: string): string {
  return plainText(text).replaceAll('`', "'").replaceAll('|', '\\|')
}

/** A column of a table; numbers stand flush right. */
export interface MarkdownColumn {
  readonly name: string
  readonly number?: boolean
}

/** A table; cells are escaped already. */
export function markdownTable(columns: readonly MarkdownColumn[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(columns.map((c) => c.name)), line(columns.map((c) => (c.number ? '---:' : '---'))), ...rows.map(line)]
}
