/** What a step failed with, as a person needs it, and whether another attempt can help. */
import { Etl3Error, ResourceError } from '../runtime/errors.js'
import { fileSystemError } from '../runtime/file-system-error.js'
import { systemMemoryError } from '../runtime/system-memory.js'

/** A file that another attempt removed, or that a worker on another machine has, may be there the next time. */
const MAY_COME_BACK: ReadonlySet<string> = new Set(['ETL3-DK-20'])

/** The engine's share is the same for each attempt, and so is what the step asks of it. */
const ENGINE_MEMORY = 'ETL3-ME-02'

/** Whether the engine ran out of its share of the memory. */
export function isEngineShortage(error: unknown): boolean {
  return error instanceof Etl3Error && error.code === ENGINE_MEMORY
}

/**
 * The error to end an attempt with: a refusal of the file system gets its code and its way out, and what no retry can
 * change is final.
 *
 * @param step name of the activity
 */
export function stepFailure(error: unknown, step: string): unknown {
  const named = error instanceof Etl3Error ? error : (fileSystemError(error) ?? systemMemoryError(error))
  if (!named) return error
  if (named.code === ENGINE_MEMORY) {
    const hint = 'Raise --memory-limit, then run again: what is finished is kept.'
    return new ResourceError(ENGINE_MEMORY, `${step}: ${named.message}`, { hint, cause: error, final: true })
  }
  if (!named.final || !MAY_COME_BACK.has(named.code)) return named
  const { kind, code, message, hint } = named
  return new Etl3Error(kind, code, message, { ...(hint === undefined ? {} : { hint }), cause: error, final: false })
}
