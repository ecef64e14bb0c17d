/** What the configuration says with requests: who pays, whose bucket it must be, and what a stored object is given. */
import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import type { S3Settings } from './settings.js'

type Headers = Readonly<Record<string, string | undefined>>

/** Of each request to a bucket; undefined ones are left out. */
export function accessHeaders({ requesterPays, bucketOwners }: S3Settings, bucket: string): Headers {
  return {
    'x-amz-request-payer': requesterPays ? 'requester' : undefined,
    'x-amz-expected-bucket-owner': bucketOwners?.[bucket],
  }
}

/** What every request of the SDK's that makes an object says: its encryption, who may read it, its tags. */
export function storingFields({
  kmsKeyId,
  acl,
  tags,
}: S3Settings): Pick<
  PutObjectCommandInput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'BucketKeyEnabled' | 'ACL' | 'Tagging'
> {
  return {
    // One request to KMS for many objects, not one for each.
    ...(kmsKeyId === undefined
      ? {}
      : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true }),
    ...(acl === undefined ? {} : { ACL: acl }),
    ...(tags === undefined ? {} : { Tagging: tagging(tags) }),
  }
}

/** The same as headers. */
export function storingHeaders(settings: S3Settings): Headers {
  const { ServerSideEncryption, SSEKMSKeyId, BucketKeyEnabled, ACL, Tagging } = storingFields(settings)
  return {
    'x-amz-server-side-encryption': ServerSideEncryption,
    'x-amz-server-side-encryption-aws-kms-key-id': SSEKMSKeyId,
    'x-amz-server-side-encryption-bucket-key-enabled':
      BucketKeyEnabled === undefined ? undefined : String(BucketKeyEnabled),
    'x-amz-acl': ACL,
    'x-amz-tagging': Tagging,
  }
}

/** Of a copy: the same, and the tags of the copy are these and not the source's, which takes another right to read. */
export function copyHeaders(settings: S3Settings, fromBucket: string): Headers {
  return {
    ...storingHeaders(settings),
    'x-amz-storage-class': settings.storageClass,
    'x-amz-tagging-directive': settings.tags === undefined ? undefined : 'REPLACE',
    'x-amz-source-expected-bucket-owner': settings.bucketOwners?.[fromBucket],
  }
}

/** Tags as a query string ("PutObject" in the Amazon S3 API Reference). */
function tagging(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
}
