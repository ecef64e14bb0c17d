/**
 * Requests for single objects, without the SDK's layers. A table of 30,000 partitions takes 30,000 of most of them, and the
 * SDK takes 1.6 ms of CPU for each; signed by its library and sent over its connections they take a fifth of that.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { S3Client } from '@aws-sdk/client-s3'
import { SignatureV4 } from '@smithy/signature-v4'
import { errorOf } from '../../runtime/errors.js'
import type { AwsRoutes } from '../aws-proxy.js'
import { onAbort } from '../on-abort.js'
import type { S3Address } from './address.js'
import { answerOf, type S3Answer, S3Refusal } from './answer.js'
import { type BucketEndpoint, endpointOf } from './endpoint.js'
import { accessHeaders } from './request-headers.js'
import type { S3Settings } from './settings.js'

/** SHA-256 of no bytes, in hex. */
const OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** A clock that differs by less than this is right enough for a signature, which holds for 15 minutes. */
const MOST_SKEW_MS = 4 * 60 * 1000

/**
 * A body from which on S3 is asked before it is sent: where it refuses one half-way, the refusal is lost with the
 * connection. A round trip is little beside it.
 */
const ASKED_FIRST_BYTES = 1024 * 1024

/** Servers that do not know the question keep silent. */
const CONSENT_PATIENCE_MS = 1_000

/** One request for one object. */
export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT'
  readonly at: S3Address
  /** Behind the key. */
  readonly query?: Readonly<Record<string, string>>
  /** Those of the request itself, in lower case; undefined ones are left out. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body?: { readonly bytes: Uint8Array; readonly sha256Hex: string }
}

/** What the wire takes of the SDK. */
export interface WireOptions {
  readonly client: S3Client
  readonly sdk: typeof import('@aws-sdk/client-s3')
  readonly settings: S3Settings
  readonly routes: AwsRoutes
}

/** The way of single requests to the buckets of one connection. */
export class S3Wire {
  readonly #options: WireOptions
  readonly #endpoints = new Map<string, Promise<BucketEndpoint>>()
  #signer: SignatureV4 | undefined

  constructor(options: WireOptions) {
    this.#options = options
  }

  /**
   * Sends a request and reads the answer to its end.
   * @throws S3Refusal where S3 says no
   */
  async ask(request: WireRequest, signal: AbortSignal): Promise<S3Answer> {
    return await this.#heeding(() => this.#send(request, signal).then(answerOf))
  }

  /**
   * Sends a request for an object's bytes; its reader takes them from the answer.
   * @throws S3Refusal where S3 says no
   */
  async open(request: WireRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return await this.#heeding(async () => {
      const response = await this.#send(request, signal)
      if (response.statusCode !== 200 && response.statusCode !== 206) {
        await answerOf(response)
        throw new Error(`S3 answers ${response.statusCode} instead of an object`)
      }
      return response
    })
  }

  async #send(request: WireRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const endpoint = await this.#endpointOf(request.at.bucket)
    const { client, settings, routes } = this.#options
    const { protocol, hostname, port } = endpoint
    const { body, method, query = {} } = request
    const { httpAgent, httpsAgent, isProxied } = routes.agentsTo(endpoint)
    // A proxy that forwards plain HTTP may answer the question itself.
    const mayAsk = protocol === 'https:' || !isProxied
    const asksFirst = mayAsk && body !== undefined && body.bytes.byteLength >= ASKED_FIRST_BYTES
    this.#signer ??= new SignatureV4({
      service: 's3',
      region: client.config.region,
      // The client's own: found once, renewed before they expire.
      credentials: client.config.credentials,
      sha256: client.config.sha256,
      // S3 signs the path as it is sent.
      uriEscapePath: false,
    })
    const signed = await this.#signer.sign(
      {
        method,
        protocol,
        hostname,
        path: `${endpoint.path}/${encodedPath(request.at.path)}`,
        query,
        headers: {
          ...endpoint.headers,
          ...defined(accessHeaders(settings, request.at.bucket)),
          ...defined(request.headers),
          ...(body === undefined ? {} : { 'content-length': String(body.bytes.byteLength) }),
          'x-amz-content-sha256': body?.sha256Hex ?? OF_NOTHING,
        },
      },
      {
        signingDate: new Date(Date.now() + client.config.systemClockOffset),
        signingRegion: endpoint.signingRegion,
      },
    )
    return await new Promise((resolve, reject) => {
      const options = {
        host: hostname,
        ...(port === undefined ? {} : { port }),
        path: signed.path + queryText(query),
        method,
        headers: asksFirst ? { ...signed.headers, expect: '100-continue' } : signed.headers,
        // Without a sign of life, from the moment that there is a connection.
        timeout: settings.requestTimeoutMs,
      }
      const sent =
        protocol === 'http:'
          ? httpRequest({ ...options, agent: httpAgent })
          : httpsRequest({ ...options, agent: httpsAgent })
      sent.once('response', resolve)
      sent.on('error', reject)
      // The bytes of an answer are part of the request: it ends when these have come.
      const forget = onAbort(signal, () => sent.destroy(errorOf(signal.reason)))
      sent.once('close', forget)
      sent.once('timeout', () => sent.destroy(timeoutError(`no answer in ${settings.requestTimeoutMs} ms`)))
      sent.once('socket', (socket) => {
        if (!socket.connecting) return
        const limit = setTimeout(
          () => sent.destroy(timeoutError(`no connection in ${settings.connectTimeoutMs} ms`)),
          settings.connectTimeoutMs,
        )
        const clear = (): void => clearTimeout(limit)
        socket.once('connect', clear).once('close', clear)
      })
      if (body !== undefined && asksFirst) sendWhenAllowed(sent, body.bytes)
      else sent.end(body?.bytes)
    })
  }

  async #endpointOf(bucket: string): Promise<BucketEndpoint> {
    const known = this.#endpoints.get(bucket)
    if (known) return await known
    const endpoint = endpointOf(this.#options, bucket)
    this.#endpoints.set(bucket, endpoint)
    // Without credentials there is none; with those of the next attempt there may be.
    endpoint.catch(() => this.#endpoints.delete(bucket))
    return await endpoint
  }

  /**
   * A refusal says what time it is. Where that is another time than the request was signed with, it is asked once more, and
   * the SDK's own requests go by it too. Whether the refusal was for the clock's sake cannot be told from a HEAD's.
   */
  async #heeding<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      const skewMs = error instanceof S3Refusal ? error.serverTimeMs - Date.now() : Number.NaN
      const { config } = this.#options.client
      if (!(Math.abs(skewMs - config.systemClockOffset) > MOST_SKEW_MS)) throw error
      config.systemClockOffset = skewMs
      return await act()
    }
  }
}

/** Sends a body once the server wants it, or says nothing for a while; not where it has answered already. */
function sendWhenAllowed(sent: ClientRequest, bytes: Uint8Array): void {
  let limit: NodeJS.Timeout | undefined
  const send = (): void => {
    clearTimeout(limit)
    if (!sent.destroyed && !sent.writableEnded) sent.end(bytes)
  }
  sent.once('socket', () => {
    limit = setTimeout(send, CONSENT_PATIENCE_MS)
  })
  sent.once('continue', send)
  sent.once('response', (response) => {
    clearTimeout(limit)
    // Its connection is in the middle of a request, and no use for another one.
    if (!sent.writableEnded) response.once('end', () => sent.destroy())
  })
  sent.once('close', () => clearTimeout(limit))
}

/** A query as it is signed. */
function queryText(query: Readonly<Record<string, string>>): string {
  const parts = Object.entries(query).map(([name, value]) => `${encodedQuery(name)}=${encodedQuery(value)}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

function encodedQuery(text: string): string {
  return encodedPath(text).replaceAll('/', '%2F')
}

function defined(headers: WireRequest['headers']): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}

/** A key as S3 signs it: everything but letters, digits, `-._~` and the slashes as `%XX` of its UTF-8. */
function encodedPath(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Named as the SDK's own, so that it counts as a fault of the connection. */
function timeoutError(message: string): Error {
  const error = new Error(message)
  error.name = 'TimeoutError'
  return error
}
