/** Places as a configuration names them: folders, and addresses with a scheme. */
import { resolve } from 'node:path'

/** Whether an address names a bucket, well or badly. */
export function isS3Address(uri: string): boolean {
  return /^s3:\/\//i.test(uri)
}

/** One spelling for each place: absolute folders, buckets in one case of the scheme, no slash at the end. */
export function normalisedUri(uri: string): string {
  const remote = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(uri)
  if (!remote) return resolve(uri)
  const [, scheme = '', rest = ''] = remote
  // A run of slashes inside a key is part of its name in S3, so only those at the end go.
  return `${scheme.toLowerCase()}://${rest.replace(/\/+$/, '')}`
}
