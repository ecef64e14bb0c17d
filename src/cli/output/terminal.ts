/**
 * What a person watches: lines that stay, and below them a live region that is redrawn. Both go through here, so
 * that a line never lands inside the live region.
 */
import { plainText } from '../../runtime/plain-text.js'
import type { CliStream } from '../io.js'
import type { Palette } from './palette.js'
import { colouredWidth, cutLine, wrapLine } from './wrapped-line.js'

const ESC = '\u001B'
const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24
/** Before the second row of a line that is too long for the screen. */
const DEFAULT_INDENT = 2

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

  /**
   * Writes a line (the caller has coloured and escaped it) above the live region; a screen that it is too long for gets
   * it in several rows.
   *
   * @param indent columns before every row but the first
   */
  line(text: string, indent = DEFAULT_INDENT): void {
    const rows = this.interactive ? wrapLine(text, this.columns, indent) : text
    this.stream.write(`${this.#erasure()}${rows}\n${this.#drawing()}`)
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
    const lines = this.#live.map((line) => cutLine(line, this.columns - 1))
    this.#drawnColumns = lines.map(colouredWidth)
    return `${lines.join('\n')}\n`
  }
}
