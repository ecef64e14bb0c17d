/** Answers of S3 to requests that go without the SDK's layers: their bodies, and what they refuse. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** Answers without an object's bytes are a few hundred bytes of XML. */
const MOST_TEXT_BYTES = 256 * 1024

/** An answer that has ended. */
export interface S3Answer {
  readonly headers: IncomingHttpHeaders
  /** The whole body; '' to most requests. */
  readonly text: string
}

/**
 * Reads an answer to its end.
 * @throws S3Refusal where it is one, also with the status of a success: a copy that fails half-way ends so
 */
export async function answerOf(response: IncomingMessage): Promise<S3Answer> {
  const { statusCode = 0, headers } = response
  const text = await textOf(response).catch((error: unknown) => {
    // S3 may end the connection where it refuses what is still being sent; as with a HEAD, the status tells then.
    if (statusCode === 403) return ''
    throw error
  })
  if (statusCode >= 300 || /<Error[\s>]/.test(text)) throw new S3Refusal(statusCode, headers, text)
  return { headers, text }
}

/** S3 says no. Has the shape of the SDK's errors, which `s3-errors.ts` reads. */
export class S3Refusal extends Error {
  readonly $metadata: { readonly httpStatusCode: number; readonly requestId: string | undefined }
  readonly $response: { readonly headers: Readonly<Record<string, string>> }
  /** The bucket's region, where the answer names it. */
  readonly Region: string | undefined
  /** The server's clock; NaN where it does not tell. */
  readonly serverTimeMs: number

  constructor(status: number, headers: IncomingHttpHeaders, text: string) {
    super(elementOf(text, 'Message') ?? `HTTP ${status}`)
    // To a HEAD there is no body, so the status is all that tells.
    this.name = elementOf(text, 'Code') ?? NAMES[status] ?? 'UnknownError'
    // An error below the head of a success is one of the server, and may pass.
    const id = headers['x-amz-request-id']
    this.$metadata = {
      httpStatusCode: status < 300 ? 500 : status,
      requestId: typeof id === 'string' ? id : elementOf(text, 'RequestId'),
    }
    const region = headers['x-amz-bucket-region']
    this.$response = { headers: typeof region === 'string' ? { 'x-amz-bucket-region': region } : {} }
    this.Region = elementOf(text, 'Region')
    this.serverTimeMs = Date.parse(headers.date ?? '')
  }
}

const NAMES: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  307: 'TemporaryRedirect',
  403: 'Forbidden',
  404: 'NotFound',
  412: 'PreconditionFailed',
  500: 'InternalError',
  503: 'SlowDown',
}

/** Text of the first element of a name; undefined where there is none. S3's answers have no attributes and no CDATA. */
export function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return text?.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, entity) => {
    if (entity !== undefined) return ENTITIES[String(entity)] ?? whole
    const point = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }

async function textOf(response: IncomingMessage): Promise<string> {
  return await new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let bytes = 0
    response.on('data', (piece: Buffer) => {
      bytes += piece.byteLength
      if (bytes > MOST_TEXT_BYTES) response.destroy(new Error('S3 answers with more than its protocol has to say'))
      else pieces.push(piece)
    })
    response.once('end', () => resolve(bytes === 0 ? '' : Buffer.concat(pieces).toString('utf8')))
    response.once('error', reject)
  })
}
