/** Lines that are longer than the screen: broken, or cut, where no word and no figure is torn apart. */
import { cutToWidth, displayWidth } from './display-width.js'

const ESC = '\u001B'
/** Turns colours on and off, and takes no column. */
const EVERY_COLOUR = new RegExp(`${ESC}\\[[0-9;]*m`, 'g')
/** Blanks and the word behind them; a number and its unit are one word. */
const WORDS = / *(?:\(?\d[\d.,]* (?:s|min|h|%|bytes|[KMGT]B)[,.;:)]*(?= |$)|[^ ]+)/g

/** Columns of a text without its colours. */
export function colouredWidth(text: string): number {
  return displayWidth(text.replace(EVERY_COLOUR, ''))
}

/**
 * The line in pieces of at most `columns` columns, joined by line ends. A word that is longer stays whole, so that a path
 * can be copied.
 *
 * @param indent columns before every piece but the first; fewer on a narrow screen
 */
export function wrapLine(line: string, columns: number, indent: number): string {
  if (colouredWidth(line) <= columns) return line
  const margin = ' '.repeat(Math.min(indent, Math.floor(columns / 2)))
  let text = ''
  let width = 0
  for (const [word] of line.matchAll(WORDS)) {
    const wordWidth = colouredWidth(word)
    if (width === 0 || width + wordWidth <= columns) {
      text += word
      width += wordWidth
      continue
    }
    const piece = margin + word.trimStart()
    text += `\n${piece}`
    width = colouredWidth(piece)
  }
  return text
}

/** The line, cut behind a word (or within its only one) to at most `columns` columns, with an ellipsis where it goes on. */
export function cutLine(line: string, columns: number): string {
  if (colouredWidth(line) <= columns) return line
  let kept = ''
  for (const [word] of line.matchAll(WORDS)) {
    if (colouredWidth(kept + word) > columns - 2) break
    kept += word
  }
  if (kept.trim() === '') return cutToWidth(line.replace(EVERY_COLOUR, ''), columns)
  // Colours that were left on would reach into what follows.
  const end = kept.includes(ESC) ? `${ESC}[0m` : ''
  return `${kept} …${end}`
}
