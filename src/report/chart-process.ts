/** Has the charts of a report drawn by a process of its own, which gives its memory back when it is done. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'
import { built } from '../runtime/package-root.js'
import type { Chart, Drawings } from './chart.js'
import { requireShapesOnly } from './html.js'

/** Measured: with all charts of a report the process has 77 MB resident at its peak. */
export const CHART_PROCESS_MB = 96

const HEAP_MB = 64
const SEMI_SPACE_MB = 4
const TIMEOUT_MS = 60_000
const MOST_ERROR_CHARACTERS = 2_000

const answerSchema = z.object({ drawings: z.record(z.string(), z.string()), peakBytes: z.number() })

/** Drawings, and what they took. */
export interface Drawn {
  readonly drawings: Drawings
  /** The most that the process had resident. */
  readonly peakBytes: number
}

/** A process that loads what it draws with, and waits to be told which charts. */
export class ChartProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #output: Promise<string>

  /**
   * Starts one.
   * @param signal ends it
   * @param entry script of the process. Default: the one of this installation
   */
  constructor(signal: AbortSignal, entry = built('report/draw-charts.js')) {
    this.#child = spawn(
      process.execPath,
      [`--max-old-space-size=${HEAP_MB}`, `--max-semi-space-size=${SEMI_SPACE_MB}`, entry],
      // Nothing of the worker's environment: it has no use for addresses or secrets.
      { stdio: ['pipe', 'pipe', 'pipe'], env: { MALLOC_ARENA_MAX: '2' }, signal, killSignal: 'SIGKILL' },
    )
    this.#output = outputOf(this.#child)
    // A process that ends before anything is asked of it is told about when it is.
    this.#output.catch(() => {})
  }

  /**
   * Draws charts; the process is gone then.
   * @throws Error when the process fails, takes longer than a minute, or draws anything but shapes and text
   */
  async draw(charts: readonly Chart[]): Promise<Drawn> {
    const specs = Object.fromEntries(charts.flatMap((c) => c.views.map((view) => [`${c.id}-${view.name}`, view.spec])))
    const timeout = setTimeout(() => this.stop(), TIMEOUT_MS)
    try {
      this.#child.stdin.end(JSON.stringify(specs))
      const { drawings, peakBytes } = answerSchema.parse(JSON.parse(await this.#output))
      for (const svg of Object.values(drawings)) requireShapesOnly(svg)
      return { drawings: new Map(Object.entries(drawings)), peakBytes }
    } finally {
      clearTimeout(timeout)
    }
  }

  /** Ends it, where it is not needed after all. */
  stop(): void {
    this.#child.kill('SIGKILL')
  }
}

async function outputOf(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<string> {
  return await new Promise((resolve, reject) => {
    const output: Buffer[] = []
    let errors = ''
    child.stdout.on('data', (piece: Buffer) => output.push(piece))
    child.stderr.on('data', (piece: Buffer) => {
      errors = (errors + piece.toString('utf8')).slice(-MOST_ERROR_CHARACTERS)
    })
    // A process that ends early closes its input; why it ended is told below.
    child.stdin.on('error', () => {})
    child.once('error', reject)
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve(Buffer.concat(output).toString('utf8'))
      else
        reject(
          new Error(`the process that draws charts ended with ${killedBy ?? `exit code ${code}`}: ${errors.trim()}`),
        )
    })
  })
}
