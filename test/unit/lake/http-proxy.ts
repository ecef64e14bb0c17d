/** A proxy as companies have them: it forwards plain HTTP, and opens tunnels for TLS. It knows hosts that nobody else does. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** A proxy that runs. */
export class HttpProxy {
  /** What was asked of it, as it came: `GET http://host/path`, `CONNECT host:443`. */
  readonly asked: string[] = []
  /** `Proxy-Authorization` of each request. */
  readonly authorizations: (string | undefined)[] = []
  /** Answers instead of passing a request on. */
  refuseWith: number | undefined
  readonly #server: Server
  readonly #tunnels = new Set<Duplex>()
  readonly #portOf: (host: string) => number | undefined

  private constructor(portOf: (host: string) => number | undefined) {
    this.#portOf = portOf
    this.#server = createServer((request, response) => this.#forward(request, response))
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex) => this.#tunnel(request, socket))
  }

  /** @param portOf the port on this machine that a name stands for */
  static async start(portOf: (host: string) => number | undefined): Promise<HttpProxy> {
    const proxy = new HttpProxy(portOf)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    for (const socket of this.#tunnels) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #note({ method = '', url = '', headers }: IncomingMessage): void {
    this.asked.push(`${method} ${url}`)
    this.authorizations.push(headers['proxy-authorization'])
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request)
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined
    const port = url && this.#portOf(url.hostname)
    if (url === undefined || port === undefined || this.refuseWith !== undefined) {
      request.resume()
      response.writeHead(this.refuseWith ?? 502).end()
      return
    }
    const { method, headers } = request
    const path = `${url.pathname}${url.search}`
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers, setHost: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('continue', () => response.writeContinue())
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  }

  #tunnel(request: IncomingMessage, socket: Duplex): void {
    this.#note(request)
    const port = this.#portOf((request.url ?? '').replace(/:\d+$/, ''))
    if (port === undefined || this.refuseWith !== undefined) {
      socket.end(`HTTP/1.1 ${this.refuseWith ?? 502} Refused\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    this.#tunnels.add(socket)
    const server = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      server.pipe(socket).pipe(server)
    })
    server.on('error', () => socket.destroy())
    socket.on('error', () => server.destroy()).on('close', () => server.destroy())
  }
}
