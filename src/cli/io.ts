/** What a command touches of the process around it. Injected, so that a test runs a command in its own process. */
import { addAbortSignal } from 'node:stream'

/** A stream that text is written to. */
export interface CliStream {
  /** @param written called when the system has taken it, or with the reason why it has not */
  write(text: string | Uint8Array, written?: (error?: Error | null) => void): unknown
  /** Whether a person watches it. */
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

/** Signals that a command reacts to. */
export type SignalName = 'SIGINT' | 'SIGTERM'

/** The process around a command. */
export interface CliIo {
  /** Results only. */
  readonly stdout: CliStream
  /** Progress, notices, errors. */
  readonly stderr: CliStream
  /** Asks the person at the terminal for one line; undefined where nobody can answer. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
  /** All that comes on standard input. */
  readInput(signal: AbortSignal): Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Calls `handler` at each signal until the returned function is called; the default reaction is off meanwhile. */
  onSignal(signal: SignalName, handler: () => void): () => void
  /**
   * Ends the process by the signal itself, so that a shell sees 130 or 143: a thread of the engine that does not end would
   * keep an orderly end waiting.
   */
  endBy(signal: SignalName): void
}

/** The real process. */
export function processIo(): CliIo {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    ask: process.stdin.isTTY && process.stderr.isTTY ? askOnTerminal : undefined,
    readInput,
    env: process.env,
    onSignal(signal, handler) {
      process.on(signal, handler)
      return () => {
        process.off(signal, handler)
      }
    },
    endBy(signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    },
  }
}

async function readInput(signal: AbortSignal): Promise<string> {
  const { text } = await import('node:stream/consumers')
  return await text(addAbortSignal(signal, process.stdin))
}

async function askOnTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  // On stderr: stdout carries results only.
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const abort = new AbortController()
  lines.once('SIGINT', () => {
    abort.abort()
    process.kill(process.pid, 'SIGINT')
  })
  // Ctrl-D: no answer is the suggested one.
  lines.once('close', () => abort.abort())
  try {
    return await lines.question(question, { signal: abort.signal })
  } catch (error) {
    if (abort.signal.aborted) return ''
    throw error
  } finally {
    lines.close()
  }
}
