/** The way to S3, set up once per settings and process: the SDK's client, its connections, and what is on its way. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { InFlight } from './in-flight.js'
import type { S3Settings } from './s3-settings.js'

/** Bytes of objects that wait for the store's answer: a part of a large object, and many small ones beside it. */
const BYTES_IN_FLIGHT = 16 * 1024 * 1024

/** A client, and the bound on what its puts hold in memory. */
export interface S3Connection {
  readonly client: S3Client
  readonly settings: S3Settings
  readonly inFlight: InFlight
}

const connections = new Map<string, S3Connection>()

/** The connection for these settings. Opening reaches nothing: credentials are looked for with the first request. */
export function connectS3(settings: S3Settings): S3Connection {
  const name = JSON.stringify(settings)
  const known = connections.get(name)
  if (known) return known
  const connection = {
    client: openClient(settings),
    settings,
    inFlight: new InFlight({ requests: settings.requestsAtOnce, bytes: BYTES_IN_FLIGHT }),
  }
  connections.set(name, connection)
  return connection
}

function openClient(settings: S3Settings): S3Client {
  const { endpoint, requestsAtOnce } = settings
  // A notice of the SDK's makers about versions of Node, on stderr; it is not for who runs ETL3.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const agent = { keepAlive: true, maxSockets: requestsAtOnce }
  const custom = endpoint ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    region: settings.region ?? (() => regionOfSurroundings(settings.fallbackRegion)),
    forcePathStyle: settings.pathStyle ?? custom !== undefined,
    // Retries are ours (s3-retries.ts): they know what an answer that was lost means for each request.
    maxAttempts: 1,
    // Every body that is sent carries its SHA-256. A CRC32 beside it, the SDK's default, is refused by other servers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
      connectionTimeout: settings.connectTimeoutMs,
      socketTimeout: settings.requestTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      throwOnRequestTimeout: true,
      // The queue in front of the connections is meant to fill: no warning about it.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
    }),
  })
}

/** The region that the environment or the profile names. */
async function regionOfSurroundings(fallback: string): Promise<string> {
  const surroundings = new S3Client({})
  try {
    return await surroundings.config.region()
  } catch {
    return fallback
  } finally {
    surroundings.destroy()
  }
}
