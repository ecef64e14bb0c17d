/** That a query is still going on, for the person who waits for it. */
import { countText } from './output/figures.js'
import type { CliCall } from './shell.js'

/** Most answers are there before anybody wonders. */
const SILENT_MS = 2_000
const EVERY_MS = 500

/** What is asked of the call of a command. */
type WatchedCall = Pick<CliCall, 'quiet' | 'terminal'>

/** A line below everything else on stderr, while nothing else is shown. */
export class QueryProgress {
  #rows = 0
  readonly #call: WatchedCall
  readonly #timer: NodeJS.Timeout | undefined

  /** Shows nothing before two seconds have passed, and nothing at all where nobody watches. */
  constructor(call: WatchedCall) {
    this.#call = call
    const started = performance.now()
    if (call.quiet || !call.terminal.interactive) return
    this.#timer = setInterval(() => {
      const ms = performance.now() - started
      if (ms < SILENT_MS) return
      const rows = this.#rows === 0 ? '' : `, ${countText(this.#rows)} rows`
      call.terminal.live([`asking for ${Math.floor(ms / 1000)} s${rows} (Ctrl-C ends it)`])
    }, EVERY_MS)
  }

  /** So many more rows have come. */
  add(rows: number): void {
    this.#rows += rows
  }

  /** Takes the line away. */
  end(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#call.terminal.live([])
  }
}
