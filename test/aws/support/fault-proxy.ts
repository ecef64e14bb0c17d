/** A proxy in front of S3's or Glue's API that breaks what the protocol can break, by rule. */
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { DeleteObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { CREDENTIALS } from './servers.js'

/** A request as rules see it. */
export interface SeenRequest {
  readonly method: string
  /** Decoded path, with the query. */
  readonly url: string
  /** The same as it was sent. */
  readonly sent: string
  /** `BatchCreatePartition` … of Glue's API; '' of S3's. */
  readonly operation: string
  readonly headers: IncomingHttpHeaders
}

/** What is done to a request or its answer. */
export type Fault =
  | { readonly kind: 'latency'; readonly ms: number }
  /** An answer that the server never gave. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly code: string
      readonly headers?: Record<string, string>
    }
  /** The connection breaks after so many bytes of the answer's body; 0: before its head. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** The server does what it was asked; nobody hears so. */
  | { readonly kind: 'loseReply' }
  /** One byte of the answer's body is another one. */
  | { readonly kind: 'corrupt' }
  /** The body ends early, with a length that agrees. */
  | { readonly kind: 'truncate' }
  /** One byte of the request's body is another one when it arrives. */
  | { readonly kind: 'corruptRequest' }

/** Says what happens to a request; undefined: nothing. */
export type Rule = (request: SeenRequest) => Fault | undefined

/** A proxy that runs. */
export class FaultProxy {
  readonly endpoint: string
  /** All requests that came. */
  readonly seen: SeenRequest[] = []
  /** Changed by tests while it runs. */
  rule: Rule = () => undefined
  /** Hears each request with its body. */
  hear: ((request: SeenRequest, body: Buffer) => void) | undefined
  /** Replaces the body of an answer. */
  rewrite: ((request: SeenRequest, body: string) => string) | undefined
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** @param options `keepConditions`: the proxy keeps those of copies and deletions, as AWS does and others do not */
  static async start(upstream: string, options: { readonly keepConditions?: boolean } = {}): Promise<FaultProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const proxy = new FaultProxy(server)
    const conditions = options.keepConditions ? new Conditions(upstream) : undefined
    server.on('request', (request, response) => {
      proxy.#handle(request, response, upstream, conditions).catch(() => request.socket.destroy())
    })
    return proxy
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    upstream: string,
    conditions: Conditions | undefined,
  ): Promise<void> {
    const { method = '', url = '', headers } = request
    const operation = String(headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1)
    const seen = { method, url: decodeURIComponent(url), sent: url, operation: operation ?? '', headers }
    this.seen.push(seen)
    const fault = this.rule(seen)
    const body = Buffer.concat(await request.toArray())
    this.hear?.(seen, body)
    if (fault?.kind === 'latency') await new Promise((resolve) => setTimeout(resolve, fault.ms))
    if (fault?.kind === 'answer') {
      if (seen.operation === '') refuse(response, fault)
      else refuseJson(response, fault)
      return
    }
    if (fault?.kind === 'corruptRequest') flipByte(body)
    const pass = (): Promise<Answer> => forward(upstream, request, body)
    const answer = conditions ? await conditions.around(seen, body, pass) : await pass()
    if (fault?.kind === 'loseReply' || (fault?.kind === 'reset' && fault.afterBytes === 0)) {
      request.socket.destroy()
      return
    }
    if (fault?.kind === 'corrupt') flipByte(answer.body)
    const rewritten = this.rewrite?.(seen, answer.body.toString('latin1'))
    const told = rewritten === undefined ? answer.body : Buffer.from(rewritten, 'latin1')
    reply(response, { ...answer, body: told }, fault)
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** AWS's promise on the If-* headers of CopyObject, and on the ETags of DeleteObjects; one copy at a time for each key. */
class Conditions {
  readonly #client: S3Client
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(endpoint: string) {
    this.#client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS })
  }

  async around(request: SeenRequest, body: Buffer, pass: () => Promise<Answer>): Promise<Answer> {
    const { method, url, headers } = request
    const path = url.replace(/\?.*$/s, '')
    if (method === 'POST' && /\?delete/.test(url)) return await this.#delete(path, body.toString('utf8'), pass)
    if (method !== 'PUT' || headers['x-amz-copy-source'] === undefined) return await pass()
    const before = this.#last.get(path) ?? Promise.resolve()
    const answer = before.catch(() => undefined).then(async () => ((await this.#hold(path, headers)) ? pass() : FAILED))
    this.#last.set(path, answer)
    return await answer
  }

  /** The server knows no conditions: a request of which one does not hold is answered here, object by object. */
  async #delete(bucketPath: string, body: string, pass: () => Promise<Answer>): Promise<Answer> {
    const bucket = bucketPath.replaceAll('/', '')
    const objects = [...body.matchAll(/<Object>(.*?)<\/Object>/gs)].map(([, object = '']) => ({
      key: unescaped(/<Key>(.*?)<\/Key>/s.exec(object)?.[1] ?? ''),
      etag: /<ETag>(.*?)<\/ETag>/s.exec(object)?.[1],
    }))
    const unmet: string[] = []
    for (const { key, etag } of objects) {
      if (etag !== undefined && (await this.#etagOf(bucket, key)) !== unquoted(unescaped(etag))) unmet.push(key)
    }
    if (unmet.length === 0) return await pass()
    for (const { key } of objects) {
      if (!unmet.includes(key)) await this.#client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
    }
    const errors = unmet.map((key) => `<Error><Key>${escaped(key)}</Key><Code>PreconditionFailed</Code></Error>`)
    return { ...FAILED, status: 200, body: Buffer.from(`<DeleteResult>${errors.join('')}</DeleteResult>`) }
  }

  async #hold(path: string, headers: IncomingHttpHeaders): Promise<boolean> {
    const [, bucket, key] = /^\/([^/]+)\/(.*)$/s.exec(path) ?? []
    const etag = await this.#etagOf(bucket ?? '', key ?? '')
    if (headers['if-none-match'] === '*') return etag === undefined
    return headers['if-match'] === undefined || unquoted(headers['if-match']) === etag
  }

  async #etagOf(Bucket: string, Key: string): Promise<string | undefined> {
    return await this.#client
      .send(new HeadObjectCommand({ Bucket, Key }))
      .then(({ ETag }) => unquoted(ETag ?? ''))
      .catch(() => undefined)
  }
}

const unquoted = (etag: string): string => etag.replaceAll('"', '')

const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&apos;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
}

const unescaped = (xml: string): string => xml.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity)

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const FAILED: Answer = {
  status: 412,
  headers: { 'content-type': 'application/xml' },
  body: Buffer.from('<Error><Code>PreconditionFailed</Code><Message>a condition does not hold</Message></Error>'),
}

async function forward(upstream: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const { hostname, port } = new URL(upstream)
    // The signature covers the headers, the host's name among them: they go on as they came.
    const { method, url: path, headers } = request
    const onward = httpRequest({ hostname, port, method, path, headers, setHost: false }, (answer) => {
      answer.toArray().then((pieces) => {
        resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(pieces) })
      }, reject)
    })
    onward.on('error', reject)
    onward.end(body)
  })
}

function refuse(response: ServerResponse, { status, code, headers }: Extract<Fault, { kind: 'answer' }>): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} by the proxy</Message></Error>`)
}

function refuseJson(response: ServerResponse, { status, code }: Extract<Fault, { kind: 'answer' }>): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
  response.end(JSON.stringify({ __type: code, message: `${code} by the proxy` }))
}

function reply(response: ServerResponse, { status, headers, body }: Answer, fault: Fault | undefined): void {
  const { 'transfer-encoding': _, connection: _connection, ...kept } = headers
  // A HEAD tells the length of a body that does not come.
  const length = response.req.method === 'HEAD' ? headers['content-length'] : String(body.byteLength)
  if (fault?.kind === 'truncate' && response.req.method !== 'HEAD') {
    const half = body.subarray(0, Math.floor(body.byteLength / 2))
    response.writeHead(status, { ...kept, 'content-length': String(half.byteLength) })
    response.end(half)
    return
  }
  response.writeHead(status, { ...kept, ...(length === undefined ? {} : { 'content-length': length }) })
  if (fault?.kind === 'reset') {
    response.write(body.subarray(0, fault.afterBytes), () => response.destroy())
    return
  }
  response.end(body)
}

function flipByte(body: Buffer): void {
  const middle = Math.floor(body.byteLength / 2)
  if (body.byteLength > 0) body.writeUInt8(body.readUInt8(middle) ^ 0xff, middle)
}
