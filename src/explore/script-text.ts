/** Texts that stand in a script element of a page. */
import { createHash } from 'node:crypto'

const MEANINGFUL = /[<>&\u2028\u2029]/g

/**
 * A value as JSON that ends no element, begins no comment, and is JavaScript as well: what means something in HTML is
 * written as `\u003c`.
 */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    MEANINGFUL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** How a Content-Security-Policy names an inline script or style that may be used: by its digest, so that no other is. */
export function policySource(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`
}
