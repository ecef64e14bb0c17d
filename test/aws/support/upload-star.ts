/** A star as input in a bucket. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { S3ObjectStore } from '../../../src/lake/s3/store.js'
import type { StarOnDisk } from '../../e2e/support/stars.js'
import { filesUnder } from '../../oracle/compare-table.js'
import { settingsFor } from './servers.js'

/** Puts a star into a bucket. @returns its address */
export async function uploadStar(from: StarOnDisk, endpoint: string, bucket: string): Promise<string> {
  const store = new S3ObjectStore(`s3://${bucket}/input/star`, settingsFor(endpoint))
  for (const file of filesUnder(from.root)) {
    await store.put(relative(from.root, file), readFileSync(file), new AbortController().signal)
  }
  return store.uri
}
