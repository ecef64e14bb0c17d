/** Addresses of the form `s3://bucket/prefix`: read here, and written here. */

import { InputError, UsageError } from '../../runtime/errors.js'
import { isS3Address } from '../../runtime/uri.js'
import { MAX_KEY_BYTES } from '../keys.js'
import { NOT_A_KEY, type ObjectKey } from '../object-store.js'

const ADDRESS = /^s3:\/\/([^/]+)(?:\/(.*))?$/is
// What AWS takes as a bucket's name, and a little more, since other servers take more.
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/

/** A place in a bucket. */
export interface S3Address {
  readonly bucket: string
  /** Without slashes at either end; '' is the whole bucket. */
  readonly path: string
}

/** @throws UsageError `ETL3-ST-02` where it is not `s3://bucket` or `s3://bucket/prefix` */
export function parseS3Address(uri: string): S3Address {
  const [, bucket = '', rest = ''] = ADDRESS.exec(uri) ?? []
  const path = rest.replace(/\/+$/, '')
  if (BUCKET.test(bucket) && (path === '' || !NOT_A_KEY.test(path))) return { bucket, path }
  throw new UsageError('ETL3-ST-02', `${JSON.stringify(uri)} is not the address of a place in a bucket`, {
    hint: 'Write it as s3://bucket/prefix, without empty parts between slashes.',
  })
}

/**
 * The place in a bucket that an address names, or undefined where it names a folder.
 * @throws UsageError `ETL3-ST-02` where it names a bucket badly
 */
export function bucketPlaceOf(uri: string): S3Address | undefined {
  return isS3Address(uri) ? parseS3Address(uri) : undefined
}

/** Beginning of all keys below an address: '' for the whole bucket, else with a slash at its end. */
export function prefixBelow({ path }: S3Address): string {
  return path === '' ? '' : `${path}/`
}

const WILDCARD = /[*?[]/

/** Whether a path stands for many keys: `*`, `**`, `?` or `[ab]` is in it. */
export function isPattern(path: string): boolean {
  return WILDCARD.test(path)
}

/** What all keys begin with that a pattern matches; the whole path where it is none. */
export function literalHead(path: string): string {
  return path.split(WILDCARD, 1)[0] ?? ''
}

/** The address as people and queries write it. */
export function formatS3Address({ bucket, path }: S3Address): string {
  return path === '' ? `s3://${bucket}` : `s3://${bucket}/${path}`
}

/**
 * The key in the bucket of a key below an address.
 * @throws InputError `ETL3-KE-03` where the key could leave the prefix, or is longer than S3 takes with its prefix
 */
export function keyBelow({ path }: S3Address, key: ObjectKey): string {
  if (NOT_A_KEY.test(key)) throw new InputError('ETL3-KE-03', `${JSON.stringify(key)} is not a key of an object`)
  const whole = path === '' ? key : `${path}/${key}`
  if (whole.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(whole) > MAX_KEY_BYTES) {
    throw new InputError(
      'ETL3-KE-03',
      `a key has ${MAX_KEY_BYTES} bytes at most, its prefix included: '${whole.slice(0, 80)}…'`,
      { hint: 'Choose a shorter prefix in output.uri, or fewer partition columns.' },
    )
  }
  return whole
}
