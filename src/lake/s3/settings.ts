/** How buckets are reached. Plain data: it travels with a run, so that a worker on another machine reaches the same ones. */
import type { Config } from '../../config/schema.js'

/** Settings of the S3 adapter. */
export interface S3Settings {
  /** Address of a server other than AWS's. Unset: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or the profile says. */
  readonly endpoint?: string
  /** Unset: `AWS_REGION` or the profile says, else `fallbackRegion`. */
  readonly region?: string
  readonly fallbackRegion: string
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Unset: only for an endpoint that is not AWS's. */
  readonly pathStyle?: boolean
  /** Key of SSE-KMS for what is written. Unset: the bucket's own default. */
  readonly kmsKeyId?: string
  /** Storage class of what is published. Unset: the bucket's own default. */
  readonly storageClass?: NonNullable<Config['s3']['storage_class']>
  /** Address of a proxy. Unset: the environment says. */
  readonly proxy?: string
  /** Whether requests say that whoever makes them pays. */
  readonly requesterPays?: boolean
  /** Account that a bucket must belong to, by bucket. */
  readonly bucketOwners?: Readonly<Record<string, string>>
  /** ACL of what is written. Unset: none. */
  readonly acl?: NonNullable<Config['s3']['acl']>
  /** Tags of what is written. Unset: none. */
  readonly tags?: Readonly<Record<string, string>>
  /** How often a request is tried in all. */
  readonly attempts: number
  /** Requests, and so connections, at once. */
  readonly requestsAtOnce: number
  readonly connectTimeoutMs: number
  /** For one request and its answer. */
  readonly requestTimeoutMs: number
}

/** The settings of a configuration. */
export function s3SettingsOf({ s3, athena }: Pick<Config, 's3' | 'athena'>): S3Settings {
  return {
    ...(s3.endpoint === undefined ? {} : { endpoint: s3.endpoint }),
    ...(s3.region === undefined ? {} : { region: s3.region }),
    fallbackRegion: athena.region,
    ...(s3.path_style === undefined ? {} : { pathStyle: s3.path_style }),
    ...(s3.kms_key_id === undefined ? {} : { kmsKeyId: s3.kms_key_id }),
    ...(s3.storage_class === undefined ? {} : { storageClass: s3.storage_class }),
    ...(s3.proxy === undefined ? {} : { proxy: s3.proxy }),
    ...(s3.requester_pays ? { requesterPays: true } : {}),
    ...(s3.bucket_owners === undefined ? {} : { bucketOwners: s3.bucket_owners }),
    ...(s3.acl === undefined ? {} : { acl: s3.acl }),
    ...(s3.tags === undefined ? {} : { tags: s3.tags }),
    attempts: s3.attempts,
    requestsAtOnce: s3.requests_at_once,
    connectTimeoutMs: s3.connect_timeout_ms,
    requestTimeoutMs: s3.request_timeout_ms,
  }
}
