/** The workflow id of a table: two runs on one server cannot write the same table at once. */
import { createHash } from 'node:crypto'
import { normalisedUri } from '../uri.js'

const DIGEST_CHARACTERS = 16

/** `etl3:` and the start of the SHA-256 of the normalised output URI. */
export function workflowIdOf(config: { readonly output: { readonly uri: string } }): string {
  const digest = createHash('sha256').update(normalisedUri(config.output.uri)).digest('hex')
  return `etl3:${digest.slice(0, DIGEST_CHARACTERS)}`
}
