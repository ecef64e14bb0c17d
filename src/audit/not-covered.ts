import { messageOf } from '../runtime/errors.js'

/** The reader cannot read this: no fault of the file, and nothing is known about what it holds. */
export class NotCovered extends Error {
  override readonly name = 'NotCovered'
}

/** An error of reading as one of these, which says what of a file it is about. */
export function notCovered(what: string, cause: unknown): NotCovered {
  if (cause instanceof NotCovered) return cause
  return new NotCovered(`${what} cannot be read: ${messageOf(cause)}`, { cause })
}
