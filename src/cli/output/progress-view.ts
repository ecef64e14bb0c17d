/** Progress as lines: a live picture on a terminal, one plain line a phase elsewhere. */

import type { PhaseProgress } from '../../contract/messages.js'
import { plainText } from '../../runtime/plain-text.js'
import { type CountedWork, countedWork, type LiveProgress, type Retry } from '../runs/live-progress.js'
import { countText, percentText, secondsText } from './figures.js'
import type { Palette } from './palette.js'
import { RateMeter } from './rate-meter.js'
import type { Terminal } from './terminal.js'

const PHASE_COLUMNS = 10
const SECONDS_COLUMNS = 13
/** Where what a phase says of itself begins: behind the mark, its name and its time. */
export const DETAIL_COLUMN = 2 + PHASE_COLUMNS + SECONDS_COLUMNS + 2
const BAR_COLUMNS = 20
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
/** Between two plain lines about a phase that goes on. */
const PLAIN_PAUSE_MS = 10_000

/** Shows how a run goes. */
export interface ProgressView {
  /** @param progress undefined while nobody answers */
  show(progress: LiveProgress | undefined, nowMs: number): void
  /** The last look: leaves what should stay on the screen. */
  end(progress: LiveProgress | undefined, nowMs: number): void
}

/** The view that suits the terminal. */
export function progressViewFor(terminal: Terminal): ProgressView {
  return terminal.interactive ? new LiveView(terminal) : new PlainView((line) => terminal.line(line))
}

/** The view under `--quiet`. */
export const NO_VIEW: ProgressView = { show() {}, end() {} }

/** Redraws a few lines in place. */
export class LiveView implements ProgressView {
  readonly #meter = new RateMeter()
  #last: LiveProgress | undefined
  #frame = 0

  constructor(private readonly terminal: Terminal) {}

  show(progress: LiveProgress | undefined, nowMs: number): void {
    this.#frame += 1
    const known = progress ? withHighestPeak(progress, this.#last) : this.#last
    this.#last = known
    addTo(this.#meter, progress, nowMs)
    this.terminal.live(
      known
        ? liveLines(known, {
            nowMs,
            perSecond: this.#meter.perSecond(),
            answering: progress !== undefined,
            spinner: SPINNER[this.#frame % SPINNER.length] ?? '',
            palette: this.terminal.palette,
          })
        : [this.terminal.palette.dim(`${SPINNER[this.#frame % SPINNER.length] ?? ''} waiting for a worker`)],
    )
  }

  end(progress: LiveProgress | undefined, nowMs: number): void {
    const known = progress ?? this.#last
    this.terminal.live([])
    for (const phase of known?.phases ?? []) {
      this.terminal.line(phaseLine(phase, { nowMs, spinner: '·', palette: this.terminal.palette }), DETAIL_COLUMN)
    }
  }
}

/** What a live picture needs besides the progress. */
export interface LivePicture {
  readonly nowMs: number
  /** Rows or partitions a second, whatever the phase counts. */
  readonly perSecond: number | undefined
  /** Whether the progress is fresh. */
  readonly answering: boolean
  readonly spinner: string
  readonly palette: Palette
}

/** The live picture: a line for each phase, the rows while they are written, the memory. */
export function liveLines(progress: LiveProgress, picture: LivePicture): string[] {
  const { palette } = picture
  const lines = progress.phases.map((phase) => phaseLine(phase, picture))
  const work = countedWork(progress)
  if (work) {
    const [speed, left] = speedParts(work, picture.perSecond)
    const second = [...whereabouts(progress, work), ...(speed === undefined ? [] : [speed])]
    lines.push(
      `  ${bar(work.done, work.total, palette)} ${percentText(work.done, work.total).padStart(5)}  ${[amountText(work), ...(left === undefined ? [] : [left])].join(', ')}`,
    )
    // Two lines, so that both fit into 80 columns.
    if (second.length > 0) lines.push(`  ${' '.repeat(BAR_COLUMNS + 1)}${' '.repeat(5)}  ${second.join(', ')}`)
  }
  if (progress.memoryLimitMb > 0) lines.push(memoryLine(progress))
  for (const retry of progress.retries ?? []) lines.push(palette.yellow(`  ${retryText(retry)}`))
  if (progress.paused) lines.push(palette.yellow('  paused: nothing new is started until it is resumed'))
  if (!picture.answering) lines.push(palette.dim('  no answer from a worker just now'))
  return lines
}

/** Where in a phase of several parts the run is. */
function whereabouts({ phase, units }: LiveProgress, { of }: CountedWork): string[] {
  if (of !== undefined) return [of]
  return phase === 'write' ? [`unit ${countText(units.done)} of ${countText(units.total)}`] : []
}

/** Prints a line when a phase ends, and now and then one about a phase that takes long. */
export class PlainView implements ProgressView {
  readonly #meter = new RateMeter()
  readonly #printed = new Set<string>()
  #lastLineMs: number | undefined

  constructor(private readonly print: (line: string) => void) {}

  show(progress: LiveProgress | undefined, nowMs: number): void {
    this.#lastLineMs ??= nowMs
    addTo(this.#meter, progress, nowMs)
    for (const phase of progress?.phases ?? []) {
      if (phase.state !== 'running') this.#printOnce(phase, nowMs)
    }
    for (const retry of progress?.retries ?? []) this.#printRetry(retry)
    if (nowMs - this.#lastLineMs < PLAIN_PAUSE_MS) return
    this.#lastLineMs = nowMs
    this.print(progress ? this.#statusLine(progress, nowMs) : 'waiting for a worker')
  }

  end(progress: LiveProgress | undefined, nowMs: number): void {
    for (const phase of progress?.phases ?? []) {
      if (phase.state !== 'running') this.#printOnce(phase, nowMs)
    }
  }

  #printOnce(phase: PhaseProgress, nowMs: number): void {
    // A phase can come again (the run continued as new): then it has another start.
    const identity = `${phase.phase} ${phase.startedAtMs} ${phase.state}`
    if (this.#printed.has(identity)) return
    this.#printed.add(identity)
    this.#lastLineMs = nowMs
    const took = phase.seconds === undefined ? '' : ` in ${secondsText(phase.seconds)}`
    this.print(`${phase.phase}: ${phase.state}${took}${detailTail(phase)}`)
  }

  #printRetry(retry: Retry): void {
    const text = retryText(retry)
    if (this.#printed.has(text)) return
    this.#printed.add(text)
    this.print(text)
  }

  #statusLine(progress: LiveProgress, nowMs: number): string {
    const { phases, phase, paused, peakMemoryMb, memoryMb, memoryLimitMb } = progress
    const current = phases.findLast((one) => one.phase === phase)
    const work = countedWork(progress)
    const parts = [
      current ? `${paused ? 'paused' : 'running'} for ${secondsText(elapsed(current, nowMs))}` : 'running',
      ...(current && current.state === 'running' && current.detail !== '' ? [plainText(current.detail)] : []),
      ...(work
        ? [`${wholeText(work)} (${percentText(work.done, work.total)})`, ...speedParts(work, this.#meter.perSecond())]
        : []),
      ...(memoryLimitMb > 0
        ? [`${countText(Math.round(memoryMb ?? peakMemoryMb))} of ${countText(memoryLimitMb)} MB`]
        : []),
    ]
    return `${phase}: ${parts.join(', ')}`
  }
}

/** A peak that was shown stays one, also where the step that it was seen in tells less. */
function withHighestPeak(progress: LiveProgress, before?: LiveProgress): LiveProgress {
  return { ...progress, peakMemoryMb: Math.max(progress.peakMemoryMb, before?.peakMemoryMb ?? 0) }
}

function addTo(meter: RateMeter, progress: LiveProgress | undefined, nowMs: number): void {
  const work = progress && countedWork(progress)
  if (work) meter.add(work.done, nowMs, work.noun)
}

function amountText({ done, total, noun }: CountedWork): string {
  return `${countText(done)} of ${countText(total)} ${noun}`
}

/** The same, with what it is of. */
function wholeText(work: CountedWork): string {
  return work.of === undefined ? amountText(work) : `${amountText(work)} of ${work.of}`
}

/** Memory against the limit. Without a bar: it is no progress, and never comes to its end. */
function memoryLine({ memoryMb, peakMemoryMb, memoryLimitMb }: LiveProgress): string {
  const now = memoryMb === undefined ? '' : `${countText(Math.round(memoryMb))} MB now, `
  return `  memory: ${now}${countText(Math.round(peakMemoryMb))} of ${countText(memoryLimitMb)} MB at the peak`
}

function phaseLine(
  phase: PhaseProgress,
  { nowMs, spinner, palette }: Pick<LivePicture, 'nowMs' | 'spinner' | 'palette'>,
): string {
  const mark =
    phase.state === 'done' ? palette.green('✓') : phase.state === 'failed' ? palette.red('✗') : palette.cyan(spinner)
  const seconds = secondsText(phase.seconds ?? elapsed(phase, nowMs)).padStart(SECONDS_COLUMNS)
  return `${mark} ${phase.phase.padEnd(PHASE_COLUMNS)}${palette.dim(seconds)}  ${plainText(phase.detail)}`.trimEnd()
}

function elapsed(phase: PhaseProgress, nowMs: number): number {
  // The server's clock may be ahead of ours.
  return Math.max(0, (nowMs - phase.startedAtMs) / 1000)
}

function detailTail(phase: PhaseProgress): string {
  return phase.detail === '' ? '' : `: ${plainText(phase.detail)}`
}

function retryText({ step, attempt, reason }: Retry): string {
  return plainText(`${step}: attempt ${attempt}, the one before failed: ${reason.split('\n', 1).join('')}`)
}

function speedParts({ done, total, noun }: CountedWork, perSecond: number | undefined): string[] {
  if (perSecond === undefined) return []
  const left = Math.max(0, total - done) / perSecond
  const speed = perSecond < 10 ? perSecond.toFixed(1) : countText(Math.round(perSecond))
  return [`${speed} ${noun}/s`, `about ${secondsText(left)} left`]
}

function bar(part: number, whole: number, palette: Palette): string {
  const share = whole <= 0 ? 1 : Math.min(1, Math.max(0, part / whole))
  const full = Math.floor(share * BAR_COLUMNS)
  return palette.cyan('━'.repeat(full)) + palette.dim('─'.repeat(BAR_COLUMNS - full))
}
