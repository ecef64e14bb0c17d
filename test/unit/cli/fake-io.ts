/** A process around a command that exists only in memory. */
import type { CliIo, CliStream, SignalName } from '../../../src/cli/io.js'

/** Keeps what is written. */
export class FakeStream implements CliStream {
  text = ''

  constructor(
    readonly isTTY = false,
    readonly columns = 80,
    readonly rows = 24,
  ) {}

  write(text: string | Uint8Array, written?: () => void): void {
    this.text += typeof text === 'string' ? text : new TextDecoder().decode(text)
    written?.()
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '')
  }
}

/** Streams to read afterwards, and signals to send. */
export class FakeIo implements CliIo {
  readonly stdout: FakeStream
  readonly stderr: FakeStream
  /** What comes on standard input. */
  input = ''
  readonly #handlers = new Map<SignalName, Set<() => void>>()

  constructor(
    readonly env: Readonly<Record<string, string | undefined>> = {},
    options: { readonly terminal?: boolean; readonly terminalOutput?: boolean } = {},
  ) {
    this.stdout = new FakeStream(options.terminalOutput ?? false)
    this.stderr = new FakeStream(options.terminal ?? false)
  }

  async readInput(): Promise<string> {
    return this.input
  }

  onSignal(signal: SignalName, handler: () => void): () => void {
    const handlers = this.#handlers.get(signal) ?? new Set()
    this.#handlers.set(signal, handlers)
    handlers.add(handler)
    return () => handlers.delete(handler)
  }

  /** How many listen to a signal. */
  listeners(signal: SignalName): number {
    return this.#handlers.get(signal)?.size ?? 0
  }

  endBy(signal: SignalName): void {
    throw new Error(`nothing was expected to be ended by ${signal}`)
  }

  send(signal: SignalName): void {
    for (const handler of [...(this.#handlers.get(signal) ?? [])]) handler()
  }
}
