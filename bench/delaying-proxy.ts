/** A line to a server that takes longer: whatever the server says arrives a fixed time later. */
import { type AddressInfo, connect, createServer } from 'node:net'

/** A line that is open. */
export interface DelayingProxy {
  readonly endpoint: string
  /** Bytes that went to the server. */
  readonly sentBytes: () => number
  stop(): Promise<void>
}

/** Opens a line to `upstream` ("http://127.0.0.1:7070") on a free port. It looks at no byte, so it costs little. */
export async function startDelayingProxy(upstream: string, delayMs: number): Promise<DelayingProxy> {
  const { hostname, port } = new URL(upstream)
  let sent = 0
  const server = createServer({ noDelay: true }, (client) => {
    const onward = connect({ host: hostname, port: Number(port), noDelay: true })
    const end = (): void => {
      client.destroy()
      onward.destroy()
    }
    client.on('data', (bytes) => {
      sent += bytes.byteLength
      if (onward.write(bytes)) return
      client.pause()
      onward.once('drain', () => client.resume())
    })
    onward.on('data', (bytes) => setTimeout(() => client.write(bytes), delayMs))
    for (const side of [client, onward]) side.on('error', end).on('close', () => setTimeout(end, delayMs))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${own}`,
    sentBytes: () => sent,
    async stop() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
