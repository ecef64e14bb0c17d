/**
 * A small HTTP proxy in front of Glue's API: tests see every call, and change what they want to see changed. A call goes
 * through the handlers in order, the last one is the server; Athena's calls are answered by a handler.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { z } from 'zod'

/** A call as it came in. */
export interface JsonCall {
  /** `GetTable`, `StartQueryExecution` … */
  readonly operation: string
  readonly body: Readonly<Record<string, unknown>>
}

/** What is answered. */
export interface JsonAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Answers a call, by itself or with what `next` answers; `next` takes another body if one is given. */
export type Handler = (call: JsonCall, next: (call: JsonCall) => Promise<JsonAnswer>) => Promise<JsonAnswer>

const bodySchema = z.record(z.string(), z.unknown())

/** An error as AWS's JSON protocol writes it. */
export function awsError(name: string, message: string, status = 400): JsonAnswer {
  return { status, body: { __type: name, message, Message: message } }
}

/** A proxy that runs. */
export class JsonFront {
  /** Every call that came in, by operation, in order. */
  readonly calls: JsonCall[] = []
  readonly #server: Server
  readonly #handlers: readonly Handler[]
  /** Put before the others; a test sets them. */
  faults: Handler[] = []

  private constructor(
    readonly target: string,
    handlers: readonly Handler[],
  ) {
    this.#handlers = handlers
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async open(target: string, handlers: readonly Handler[]): Promise<JsonFront> {
    const front = new JsonFront(target, handlers)
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve))
    return front
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the front does not listen')
    return `http://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Bodies of the calls of one operation. */
  bodies(operation: string): readonly Readonly<Record<string, unknown>>[] {
    return this.calls.filter((call) => call.operation === operation).map(({ body }) => body)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
      const target = String(request.headers['x-amz-target'])
      const text = Buffer.concat(chunks).toString('utf8')
      const call = { operation: target.split('.').at(-1) ?? '', body: bodySchema.parse(JSON.parse(text || '{}')) }
      this.calls.push(call)
      const { status, body } = await this.#handle([...this.faults, ...this.#handlers], call, request.headers)
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(body))
    } catch (error) {
      response.writeHead(500, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify({ __type: 'InternalFailure', message: String(error) }))
    }
  }

  async #handle(handlers: readonly Handler[], call: JsonCall, headers: IncomingHttpHeaders): Promise<JsonAnswer> {
    const [handler, ...rest] = handlers
    if (handler) return await handler(call, (changed) => this.#handle(rest, changed, headers))
    const answer = await fetch(this.target, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AWSGlue.${call.operation}`,
        // Athena's handler asks Glue on behalf of whoever asked Athena; the server finds its service by the scope.
        authorization: String(headers.authorization).replace('/athena/', '/glue/'),
      },
      body: JSON.stringify(call.body),
    })
    const text = await answer.text()
    return { status: answer.status, body: bodySchema.parse(JSON.parse(text || '{}')) }
  }
}
