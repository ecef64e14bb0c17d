/** The way to S3, set up once per settings and process: the SDK's client, its connections, and what is on its way. */
import type { S3Client } from '@aws-sdk/client-s3'
import { InFlight } from '../in-flight.js'
import { Brake } from './brake.js'
import { accessHeaders } from './request-headers.js'
import type { S3Settings } from './settings.js'
import type { S3Wire } from './wire.js'

/** Bytes of objects that wait for the store's answer: a part of a large object, and many small ones beside it. */
const BYTES_IN_FLIGHT = 16 * 1024 * 1024

/** The SDK, loaded with the first request: it takes 25 MB, which a run over folders does not have to give. */
export type S3Sdk = typeof import('@aws-sdk/client-s3')

/** The way to S3, and the bound on what puts hold in memory on it. */
export interface S3Connection {
  /** The client, the SDK that its requests are made with, and the short way for single objects. */
  open(): Promise<{ readonly client: S3Client; readonly sdk: S3Sdk; readonly wire: S3Wire }>
  readonly settings: S3Settings
  readonly inFlight: InFlight
  readonly brake: Brake
}

const connections = new Map<string, S3Connection>()

/** The connection for these settings. Opening reaches nothing: credentials are looked for with the first request. */
export function connectS3(settings: S3Settings): S3Connection {
  const name = JSON.stringify(settings)
  const known = connections.get(name)
  if (known) return known
  let opened: ReturnType<S3Connection['open']> | undefined
  const connection: S3Connection = {
    open() {
      opened ??= openClient(settings)
      return opened
    },
    settings,
    inFlight: new InFlight({ requests: settings.requestsAtOnce, bytes: BYTES_IN_FLIGHT }),
    brake: new Brake(),
  }
  connections.set(name, connection)
  return connection
}

async function openClient(settings: S3Settings): ReturnType<S3Connection['open']> {
  const [sdk, { AwsRoutes, RoutedHandler }, { S3Wire }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('../aws-proxy.js'),
    import('./wire.js'),
  ])
  const { endpoint, requestsAtOnce } = settings
  // A notice of the SDK's makers about versions of Node, on stderr; it is not for who runs ETL3.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const { proxy, connectTimeoutMs } = settings
  const routes = new AwsRoutes({ proxy, maxSockets: requestsAtOnce, connectTimeoutMs })
  const custom = endpoint ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
  const client = new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    // Once: the SDK asks for it with each request.
    region: settings.region ?? (await regionOfSurroundings(sdk, settings.fallbackRegion)),
    forcePathStyle: settings.pathStyle ?? custom !== undefined,
    // Retries are ours (s3-retries.ts): they know what an answer that was lost means for each request.
    maxAttempts: 1,
    // Every body that is sent carries its SHA-256. A CRC32 beside it, the SDK's default, is refused by other servers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Its bodies are small; large ones go the short way, which waits for S3's consent first.
    expectContinueHeader: false,
    requestHandler: new RoutedHandler(routes, {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: settings.requestTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      throwOnRequestTimeout: true,
      // The queue in front of the connections is meant to fill: no warning about it.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
    }),
  })
  sayWithEachRequest(client, settings)
  return { client, sdk, wire: new S3Wire({ client, sdk, settings, routes }) }
}

/** Who pays, and whose bucket it must be: the short way says so itself. */
function sayWithEachRequest(client: S3Client, settings: S3Settings): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args
      const bucket = 'Bucket' in args.input && typeof args.input.Bucket === 'string' ? args.input.Bucket : ''
      if (hasHeaders(request)) {
        for (const [name, value] of Object.entries(accessHeaders(settings, bucket))) {
          if (value !== undefined) request.headers[name] = value
        }
      }
      return await next(args)
    },
    { step: 'build', name: 'etl3Access' },
  )
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request
}

/** The region that the environment or the profile names. */
async function regionOfSurroundings({ S3Client }: S3Sdk, fallback: string): Promise<string> {
  const surroundings = new S3Client({})
  try {
    return await surroundings.config.region()
  } catch {
    return fallback
  } finally {
    surroundings.destroy()
  }
}
