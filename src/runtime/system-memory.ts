/** Memory that the system refuses: a higher limit of our own would not help. */
import { messageOf, ResourceError } from './errors.js'

/** What to do then. */
export const SYSTEM_MEMORY_HINT =
  'The memory that this process may have is used up before --memory-limit is reached. Raise what limits it ' +
  '(ulimit -v, ulimit -d, the container, the machine), or lower --memory-limit.'

/** The words of V8, of the C library, of the loader of shared libraries, and of the engine. */
const REFUSED =
  /Cannot allocate (?:Wasm )?memory|Array buffer allocation failed|bad_alloc|ENOMEM|failed to (?:reserve|map segment)|Allocation failure/i

/** Whether that is what a process says. */
export function saysMemoryRefused(words: string): boolean {
  return REFUSED.test(words)
}

/** An error of that kind as ResourceError `ETL3-ME-06`; undefined for any other error. */
export function systemMemoryError(error: unknown): ResourceError | undefined {
  if (!(error instanceof Error) || !saysMemoryRefused(error.message)) return undefined
  return new ResourceError('ETL3-ME-06', `the system gave this process no memory: ${messageOf(error)}`, {
    hint: SYSTEM_MEMORY_HINT,
    cause: error,
  })
}
