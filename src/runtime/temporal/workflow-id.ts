/** The workflow id of a table: two runs on one server cannot write the same table at once. */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { Config } from '../../config/schema.js'

const DIGEST_CHARACTERS = 16

/** `etl3:` and the start of the SHA-256 of the normalised output URI. */
export function workflowIdOf(config: Pick<Config, 'output'>): string {
  const digest = createHash('sha256').update(normalisedUri(config.output.uri)).digest('hex')
  return `etl3:${digest.slice(0, DIGEST_CHARACTERS)}`
}

/** One spelling for each place: absolute folders, buckets in one case of the scheme, no slash at the end. */
export function normalisedUri(uri: string): string {
  const remote = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(uri)
  if (!remote) return resolve(uri)
  const [, scheme = '', rest = ''] = remote
  // A run of slashes inside a key is part of its name in S3, so only those at the end go.
  return `${scheme.toLowerCase()}://${rest.replace(/\/+$/, '')}`
}
