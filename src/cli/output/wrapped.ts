/** Text that is broken between words, so that a narrow terminal does not break it within one. */
import { displayWidth } from './display-width.js'

/**
 * The lines of a text. A word that is wider than a line, a path, has a line of its own.
 * @param columns of a line; undefined: the text is one line
 */
export function wrapped(text: string, columns: number | undefined): string[] {
  if (columns === undefined) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && displayWidth(longer) > columns) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}
