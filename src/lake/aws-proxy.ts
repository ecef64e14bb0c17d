/** How requests to AWS go where a proxy stands between: by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, or by the configuration. */
import { type AgentOptions, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { HttpProxyAgent } from 'http-proxy-agent'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { getProxyForUrl } from 'proxy-from-env'
import { ConfigError, errorOf } from '../runtime/errors.js'

/** This machine is never asked for by a proxy of the environment, as Go's and curl's users expect of their own tests. */
const THIS_MACHINE = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[?::1\]?)$/i

const CONNECTED = 200

/** Where a request goes. */
export interface Destination {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number | undefined
}

/** The connections that requests of one kind use. */
export interface Agents {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpAgent
  /** Whether a proxy stands between. */
  readonly isProxied: boolean
}

/** How connections are made. */
export interface RouteOptions {
  /** Address of the proxy for all requests; undefined: what the environment says. */
  readonly proxy?: string | undefined
  /** Connections at once. */
  readonly maxSockets: number
  readonly connectTimeoutMs: number
}

/** The proxy between this machine and a server does not let a request through. */
export class ProxyRefused extends Error {
  override readonly name = 'ProxyRefused'

  constructor(
    readonly proxyStatus: number,
    readonly proxy: string,
  ) {
    super(`the proxy ${proxy} answers HTTP ${proxyStatus}`)
  }
}

/** Connections to servers, each by its proxy or directly; made when they are needed, kept for the next request. */
export class AwsRoutes {
  readonly #options: RouteOptions
  readonly #agents = new Map<string, Agents>()

  constructor(options: RouteOptions) {
    this.#options = options
  }

  /** @throws ConfigError `ETL3-AW-17` where the environment names a proxy of another kind than HTTP */
  agentsTo(destination: Destination): Agents {
    const proxy = this.#options.proxy ?? proxyOfEnvironment(destination)
    const known = this.#agents.get(proxy)
    if (known) return known
    const agents = this.#make(proxy)
    this.#agents.set(proxy, agents)
    return agents
  }

  /** Ends the connections that are kept. */
  destroy(): void {
    for (const { httpAgent, httpsAgent } of this.#agents.values()) {
      httpAgent.destroy()
      httpsAgent.destroy()
    }
    this.#agents.clear()
  }

  #make(proxy: string): Agents {
    const { maxSockets, connectTimeoutMs } = this.#options
    const options: AgentOptions = { keepAlive: true, maxSockets }
    if (proxy === '')
      return { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options), isProxied: false }
    const url = proxyUrl(proxy)
    return {
      httpAgent: new ForwardingAgent(url, options, connectTimeoutMs),
      httpsAgent: new TunnelAgent(url, options, connectTimeoutMs),
      isProxied: true,
    }
  }
}

type Handle = NodeHttpHandler['handle']

/** The SDK's own handler of requests, with the connections of {@link AwsRoutes}. */
export class RoutedHandler extends NodeHttpHandler {
  readonly #routes: AwsRoutes
  readonly #options: HandlerOptions
  readonly #handlers = new Map<Agents, NodeHttpHandler>()

  constructor(routes: AwsRoutes, options: HandlerOptions) {
    super(options)
    this.#routes = routes
    this.#options = options
  }

  override async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const agents = this.#routes.agentsTo(request)
    const known = this.#handlers.get(agents)
    const handler = known ?? new NodeHttpHandler({ ...this.#options, ...agents })
    if (!known) this.#handlers.set(agents, handler)
    return await handler.handle(request, options)
  }

  override destroy(): void {
    this.#routes.destroy()
    super.destroy()
  }
}

/** What is said of a handler besides its connections. */
export interface HandlerOptions {
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly throwOnRequestTimeout: true
  readonly socketTimeout?: number
  readonly socketAcquisitionWarningTimeout?: number
}

/** TLS through a proxy: it sees the name of the server and nothing else. */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #connectTimeoutMs: number

  constructor(proxy: URL, options: AgentOptions, connectTimeoutMs: number) {
    super(proxy, options)
    this.#connectTimeoutMs = connectTimeoutMs
  }

  /** Otherwise guessed from the call stack, wrongly behind a promise: connections would never be found again. */
  override isSecureEndpoint(): boolean {
    return true
  }

  override async connect(...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>): Promise<Socket> {
    let status = CONNECTED
    request.once('proxyConnect', ({ statusCode }: { readonly statusCode: number }) => {
      status = statusCode
    })
    const socket = await connected(super.connect(request, options), this.#connectTimeoutMs)
    if (status === CONNECTED) return socket
    socket.destroy()
    return new BrokenConnection(new ProxyRefused(status, withoutSecrets(this.proxy)))
  }
}

/** Plain HTTP, asked of the proxy. */
class ForwardingAgent extends HttpProxyAgent<string> {
  readonly #connectTimeoutMs: number

  constructor(proxy: URL, options: AgentOptions, connectTimeoutMs: number) {
    super(proxy, options)
    this.#connectTimeoutMs = connectTimeoutMs
  }

  override isSecureEndpoint(): boolean {
    return false
  }

  override async connect(...[request, options]: Parameters<HttpProxyAgent<string>['connect']>): Promise<Socket> {
    return await connected(super.connect(request, options), this.#connectTimeoutMs)
  }
}

/** The connection, or a broken one where none can be made in time. */
async function connected(connecting: Promise<Socket>, timeoutMs: number): Promise<Socket> {
  let limit: NodeJS.Timeout | undefined
  const late = new Promise<Socket>((resolve) => {
    limit = setTimeout(() => {
      connecting.then((socket) => socket.destroy()).catch(() => undefined)
      resolve(new BrokenConnection(timeoutError(timeoutMs)))
    }, timeoutMs)
  })
  try {
    return await Promise.race([connecting, late])
  } catch (error) {
    return new BrokenConnection(errorOf(error))
  } finally {
    clearTimeout(limit)
  }
}

/**
 * A connection that breaks as soon as its request has it. Node serves the requests that wait for a connection when one
 * has broken; where making one merely fails, they would wait for ever.
 */
class BrokenConnection extends Socket {
  constructor(error: Error) {
    super()
    setImmediate(() => this.destroy(error))
  }

  override _write(_piece: unknown, _encoding: unknown, done: () => void): void {
    done()
  }

  override _writev(_pieces: unknown, done: () => void): void {
    done()
  }

  /** What a proxy answers to CONNECT would be read as the server's own answer. */
  override push(): boolean {
    return false
  }
}

/** Named as the SDK's own, so that it counts as a fault of the connection. */
function timeoutError(ms: number): Error {
  const error = new Error(`no connection through the proxy in ${ms} ms`)
  error.name = 'TimeoutError'
  return error
}

/** '' where the request goes directly. */
function proxyOfEnvironment({ protocol, hostname, port }: Destination): string {
  if (THIS_MACHINE.test(hostname)) return ''
  return getProxyForUrl(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`)
}

function proxyUrl(proxy: string): URL {
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url
  const shown = url ? withoutSecrets(url) : 'of HTTPS_PROXY or HTTP_PROXY'
  throw new ConfigError('ETL3-AW-17', `the proxy ${shown} is no HTTP proxy`, {
    hint: 'Name one as http://host:port in HTTPS_PROXY, or leave hosts out of it with NO_PROXY.',
  })
}

function withoutSecrets({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}
