/** The workflow id of a table: two runs on one server cannot write the same table at once. */
import { createHash } from 'node:crypto'
import { normalisedUri } from '../uri.js'

const DIGEST_CHARACTERS = 16

/** Of the readable part: the end of an address says more than its beginning. */
const MOST_SEGMENTS = 3
const MOST_CHARACTERS = 48

/**
 * `etl3:`, the end of the output's address for people, and the start of the SHA-256 of the normalised address:
 * `etl3:rates-lake-partitioned-data:0f3a5c7e9b1d2f40`.
 */
export function workflowIdOf(config: { readonly output: { readonly uri: string } }): string {
  const uri = normalisedUri(config.output.uri)
  const digest = createHash('sha256').update(uri).digest('hex').slice(0, DIGEST_CHARACTERS)
  return ['etl3', ...readablePart(uri), digest].join(':')
}

/** Letters, digits and dashes only: an id stands in addresses, in commands and in the names of folders. */
function readablePart(uri: string): string[] {
  const segments = uri.replace(/^[a-z0-9+.-]+:\/\//i, '').split('/')
  const readable = segments
    .slice(-MOST_SEGMENTS)
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(-MOST_CHARACTERS)
    .replaceAll(/^-+|-+$/g, '')
  return readable === '' ? [] : [readable]
}
