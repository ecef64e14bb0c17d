/**
 * The process in which the statements of one run's rules run, one after the other: questions and answers go over its
 * channel. A process of its own, because one expression can take any amount of memory and time, and DuckDB holds neither
 * (`levenshtein`, `list_sort(range(…))`): the kernel does, and whoever asks can end it.
 */
import { setInterval } from 'node:timers'
import type { DuckDBConnection } from '@duckdb/node-api'
import { OWN_MEMORY } from '../runtime/worker/memory-sampler.js'
import { openSandbox, runStatement } from './sandbox.js'
import { failureAnswer } from './statement-failure.js'
import { type Answer, openingSchema, statementSchema } from './statement-messages.js'

const LOOK_INTERVAL_MS = 20
const BYTES_PER_MB = 1024 * 1024

let opened: DuckDBConnection | undefined

process.on('message', (question: unknown) => {
  void answerTo(question).then((answer) => process.send?.(answer))
})
// Whoever asked is gone. A statement that runs would keep the process from ending by itself.
process.once('disconnect', end)

async function answerTo(question: unknown): Promise<Answer> {
  try {
    if (opened) {
      const found = await runStatement(opened, statementSchema.parse(question))
      return { kind: 'found', ...found, examples: [...found.examples], peakBytes: OWN_MEMORY.highestBytes() }
    }
    const opening = openingSchema.parse(question)
    keepWithin(opening.residentMb)
    opened = await openSandbox(opening)
    return { kind: 'opened' }
  } catch (error) {
    return failureAnswer(error)
  }
}

/** Where the kernel keeps to no limit, the process does. */
function keepWithin(residentMb: number): void {
  setInterval(() => {
    if (OWN_MEMORY.residentBytes() > residentMb * BYTES_PER_MB) end()
  }, LOOK_INTERVAL_MS).unref()
}

function end(): void {
  process.kill(process.pid, 'SIGKILL')
}
