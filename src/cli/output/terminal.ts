/**
 * What a person watches: lines that stay, and below them a live region that is redrawn. Both go through here, so
 * that a line never lands inside the live region.
 */
import { plainText } from '../../runtime/plain-text.js'
import type { CliStream } from '../io.js'
import { displayWidth } from './display-width.js'
import type { Palette } from './palette.js'

const ESC = '\u001B'
const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24

/** stderr as a person sees it. */
export class Terminal {
  #live: readonly string[] = []
  /** Columns that each line of the live region takes on the screen now. */
  #drawnColumns: readonly number[] = []

  constructor(
    private readonly stream: CliStream,
    readonly palette: Palette,
  ) {}

  /** Whether a live region can be drawn. */
  get interactive(): boolean {
    return this.stream.isTTY === true
  }

  /** Columns of the screen. */
  get columns(): number {
    return this.stream.columns ?? DEFAULT_COLUMNS
  }

  get #rows(): number {
    return this.stream.rows ?? DEFAULT_ROWS
  }

  /** Writes a line as it is (the caller has coloured and escaped it), above the live region. */
  line(text: string): void {
    this.stream.write(`${this.#erasure()}${text}\n${this.#drawing()}`)
  }

  /** A line for the person at the terminal. Control sequences in it are shown, not obeyed. */
  notice(text: string): void {
    this.line(plainText(text))
  }

  /** A warning. */
  warn(text: string): void {
    this.line(`${this.palette.yellow('warning:')} ${plainText(text)}`)
  }

  /**
   * Replaces the live region; an empty list takes it away. Lines are cut at the edge of the screen, because a wrapped
   * line takes rows that the next redrawing would not erase, and on a low screen only the last ones are shown, because
   * what has scrolled away cannot be erased. Does nothing where nobody watches.
   */
  live(lines: readonly string[]): void {
    if (!this.interactive) return
    const erasure = this.#erasure()
    this.#live = lines.slice(-Math.max(1, this.#rows - 1))
    this.stream.write(`${erasure}${this.#drawing()}`)
  }

  #erasure(): string {
    // A window that was made narrower since has wrapped what was drawn: the lines take more rows now.
    const rows = this.#drawnColumns.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / this.columns)), 0)
    this.#drawnColumns = []
    return rows === 0 ? '' : `${ESC}[${rows}A\r${ESC}[0J`
  }

  #drawing(): string {
    if (this.#live.length === 0) return ''
    const lines = this.#live.map((line) => cutColoured(line, this.columns - 1))
    this.#drawnColumns = lines.map((line) => displayWidth(line.replace(EVERY_COLOUR, '')))
    return `${lines.join('\n')}\n`
  }
}

const COLOUR_SEQUENCE = new RegExp(`${ESC}\\[[0-9;]*m`, 'y')
const EVERY_COLOUR = new RegExp(COLOUR_SEQUENCE.source, 'g')

/** Cuts a coloured line to `columns` columns of the screen and closes open colours. */
function cutColoured(line: string, columns: number): string {
  let visible = 0
  let coloured = false
  let position = 0
  while (position < line.length) {
    COLOUR_SEQUENCE.lastIndex = position
    const sequence = COLOUR_SEQUENCE.exec(line)
    if (sequence) {
      coloured = true
      position += sequence[0].length
      continue
    }
    const character = String.fromCodePoint(line.codePointAt(position) ?? 0)
    const width = displayWidth(character)
    if (visible + width > columns) return `${line.slice(0, position)}${coloured ? `${ESC}[0m` : ''}`
    position += character.length
    visible += width
  }
  return line
}
