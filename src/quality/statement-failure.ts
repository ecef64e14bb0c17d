/** Why a statement did not come to its end. */
import { shortageOf } from '../engine/engine-shortage.js'
import { firstLineOf, messageOf } from '../runtime/errors.js'
import { StatementRefused } from './sandbox.js'
import type { Answer } from './statement-messages.js'

/** The engine's words, also those with which it does not even try: for more than any machine has. */
const OUT_OF_MEMORY = /Out of Memory|bad_?alloc|failed to (allocate|pin)|Cannot (resize vector|create a string)/i

/** What is answered where a statement throws. */
export function failureAnswer(error: unknown): Answer {
  if (error instanceof StatementRefused) return { kind: 'refused', why: error.message }
  const message = firstLineOf(error)
  if (shortageOf(messageOf(error)) === 'disk') return { kind: 'disk', message }
  if (OUT_OF_MEMORY.test(messageOf(error))) return { kind: 'memory', message }
  // The engine's other kinds of error are about what the statement says.
  if (/^[A-Z][A-Za-z ]+ Error: /.test(message) && !message.startsWith('IO Error'))
    return { kind: 'refused', why: message }
  return { kind: 'failed', message }
}
