/** Where a bucket is reached and how its requests are signed, as the SDK works it out. */
import type { S3Client } from '@aws-sdk/client-s3'
import { ConfigError } from '../../runtime/errors.js'
import { VERSION } from '../../runtime/version.js'

/** Key of the request that the SDK is asked to address. It is never sent. */
const SAMPLE_KEY = 'etl3'

/** What all requests to one bucket have in common. */
export interface BucketEndpoint {
  readonly protocol: 'http:' | 'https:'
  readonly hostname: string
  readonly port: number | undefined
  /** Path of the bucket, without a slash at its end: '' where the host's name says which bucket it is. */
  readonly path: string
  /** `Host` as it is signed, and who asks. */
  readonly headers: Readonly<Record<string, string>>
  readonly signingRegion: string
}

/**
 * Lets the SDK address a request and stops it before it is sent: its rules for regions, custom endpoints, path style,
 * FIPS and dual stack count, and are not written again here.
 * @throws ConfigError `ETL3-AW-15` for a bucket whose requests are signed in another way
 */
export async function endpointOf(
  { client, sdk }: { readonly client: S3Client; readonly sdk: typeof import('@aws-sdk/client-s3') },
  bucket: string,
): Promise<BucketEndpoint> {
  let endpoint: BucketEndpoint | undefined
  const command = new sdk.HeadObjectCommand({ Bucket: bucket, Key: SAMPLE_KEY })
  command.middlewareStack.add(
    (_send, context) =>
      async ({ request }) => {
        // The address is worked out by now; neither a session of a directory bucket nor a signature is.
        const [scheme] = context.authSchemes ?? []
        if (scheme?.name !== 'sigv4') {
          throw new ConfigError('ETL3-AW-15', `buckets of this kind cannot hold a lake: s3://${bucket}`, {
            hint: 'Take a general purpose bucket: directory buckets and access points are signed in other ways.',
          })
        }
        endpoint = readAddress(request, scheme.signingRegion ?? (await client.config.region()))
        return { output: { $metadata: {} }, response: undefined }
      },
    { step: 'build', priority: 'high', name: 'etl3Address' },
  )
  await client.send(command)
  if (!endpoint) throw new Error(`the SDK gave no address of ${bucket}`)
  return endpoint
}

function readAddress(request: unknown, signingRegion: string): BucketEndpoint {
  if (!isAddressed(request)) throw new Error('the SDK addressed no request')
  const { protocol, hostname, port, path } = request
  return {
    protocol: protocol === 'http:' ? 'http:' : 'https:',
    hostname,
    port,
    path: path.slice(0, -`/${SAMPLE_KEY}`.length),
    headers: {
      host: port === undefined ? hostname : `${hostname}:${port}`,
      'user-agent': `etl3/${VERSION}`,
    },
    signingRegion,
  }
}

/** The part of the SDK's request that says where it goes. */
interface Addressed {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
}

function isAddressed(request: unknown): request is Addressed {
  if (typeof request !== 'object' || request === null) return false
  return (
    'hostname' in request &&
    typeof request.hostname === 'string' &&
    'protocol' in request &&
    'path' in request &&
    typeof request.path === 'string' &&
    request.path.endsWith(`/${SAMPLE_KEY}`)
  )
}
