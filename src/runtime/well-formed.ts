/** Texts of JavaScript that UTF-8 cannot say: a half of a surrogate pair alone, which would become U+FFFD on its way out. */

const UNPAIRED = /\p{Surrogate}/u

/** Whether each surrogate of the text is one of a pair, so that its UTF-8 gives the same text back. */
export function isWellFormed(text: string): boolean {
  return !UNPAIRED.test(text)
}

/** The text itself. @throws RangeError where it has an unpaired surrogate */
export function requireWellFormed(text: string): string {
  if (isWellFormed(text)) return text
  throw new RangeError(
    `a text has an unpaired surrogate, which no file can hold: ${JSON.stringify(text.slice(0, 100))}`,
  )
}
