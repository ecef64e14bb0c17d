/** How a worker process ended, why, and what helps. */
import { type Etl3Error, ResourceError, UnavailableError } from '../errors.js'
import { OPEN_FILES_HINT } from '../file-system-error.js'
import { plainText } from '../plain-text.js'
import { SYSTEM_MEMORY_HINT, saysMemoryRefused } from '../system-memory.js'

/** What the process was short of: its memory limit, memory that the system gives, open files. */
type Shortage = 'limit' | 'system memory' | 'open files'

/** Why a worker ended. */
export interface ExitReason {
  /** In words. */
  readonly reason: string
  /** Whether it would end the same way again: bad settings, bad installation, limits of the system. */
  readonly final: boolean
  readonly shortage?: Shortage
}

/** How a worker process ended. */
export interface WorkerExit extends ExitReason {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What is known of a process that ended. */
export interface EndedProcess {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly limitMb: number
  /** The end of what it printed. */
  readonly lastWords: string
  /** Whether `ulimit` holds its memory. */
  readonly memoryIsLimited: boolean
}

/** V8 at its own limit says so; else it did not get what it asked for. */
const AT_HEAP_LIMIT = /Reached heap limit|near heap limit/

/** Why a worker ended, from its exit code, its signal and what it printed last. */
export function explainExit({ code, signal, limitMb, lastWords, memoryIsLimited }: EndedProcess): ExitReason {
  if (/EMFILE|ENFILE|Too many open files/i.test(lastWords)) {
    return { reason: 'too many files are open', final: true, shortage: 'open files' }
  }
  const heapRanOut = /heap out of memory/i.test(lastWords)
  if (saysMemoryRefused(lastWords) || (heapRanOut && memoryIsLimited && !AT_HEAP_LIMIT.test(lastWords))) {
    return { reason: 'the system gave it no memory', final: memoryIsLimited, shortage: 'system memory' }
  }
  if (heapRanOut) {
    return { reason: `its JavaScript heap ran out (memory limit ${limitMb} MB)`, final: false, shortage: 'limit' }
  }
  if (signal === 'SIGKILL') {
    const reason = 'it was killed (SIGKILL), most likely by the operating system for want of memory'
    return { reason, final: false, shortage: 'limit' }
  }
  if (signal) return { reason: `it was ended by ${signal}`, final: false }
  if (code === 0) return { reason: 'it ended by itself', final: false }
  if (code === 7) {
    return { reason: `it reached its memory limit of ${limitMb} MB`, final: false, shortage: 'limit' }
  }
  const words = plainText(sayingLine(lastWords))
  return { reason: `it ended with exit code ${code}${words === '' ? '' : `: ${words}`}`, final: code === 2 }
}

/** The line that says what went wrong: of an error that nobody caught its message, else the last one. */
function sayingLine(words: string): string {
  // Node prints its own version last.
  const lines = words.split('\n').filter((line) => line.trim() !== '' && !/^Node\.js v\d/.test(line))
  const uncaught = lines.findLast((line) => /^(?:\w*Error|Uncaught\b.*)(?: \[\w+\])?: /.test(line))
  return (uncaught ?? lines.at(-1) ?? '').trim()
}

/**
 * The error to end with where a worker cannot be kept alive.
 *
 * @param output where it printed to
 */
export function workerFailure({ reason, shortage }: ExitReason, output?: string): Etl3Error {
  const message = `the worker cannot be kept alive: ${reason}${output === undefined ? '' : ` [output=${output}]`}`
  switch (shortage) {
    case 'limit':
      return new ResourceError('ETL3-ME-04', message, {
        hint: 'Run again with a higher --memory-limit; what is finished is kept.',
      })
    case 'system memory':
      return new ResourceError('ETL3-ME-06', message, { hint: SYSTEM_MEMORY_HINT })
    case 'open files':
      return new ResourceError('ETL3-DK-21', message, { hint: OPEN_FILES_HINT })
    default:
      return new UnavailableError('ETL3-RT-03', message, {
        hint: 'Fix the cause and run again; what is finished is kept.',
      })
  }
}
