/** Commands that stay until they are told to end. */
import { exitCodeOfSignal } from './exit-codes.js'
import type { SignalName } from './io.js'
import type { CliCall } from './shell.js'

const LONG_MS = 2 ** 30

/**
 * Listens for SIGINT and SIGTERM, says that it is there, and holds the process until one of them comes.
 * @param announce prints the result: whoever reads it may send the signal at once
 * @param broken settles when there is nothing left to stay for
 * @returns the exit code for the signal
 * @throws what `broken` resolves with
 */
export async function stayInForeground(call: CliCall, announce: () => void, broken: Promise<Error>): Promise<number> {
  // Waiting for a signal or for a detached child alone keeps no process.
  const hold = setInterval(() => {}, LONG_MS)
  try {
    const signalled = new Promise<SignalName>((resolve) => call.onSignal(resolve))
    announce()
    const end = await Promise.race([signalled, broken])
    if (typeof end !== 'string') throw end
    return exitCodeOfSignal(end)
  } finally {
    clearInterval(hold)
  }
}
