/** Work that SIGINT and SIGTERM end, however it goes. */
import { Interrupted } from './exit-codes.js'
import type { SignalName } from './io.js'
import type { CliCall } from './shell.js'

/** So long it may take after a signal until what was begun is cleaned up; then the process is ended as it is. */
const CLEAN_UP_MS = 3_000

/**
 * Runs `act` with a signal that is aborted by SIGINT and SIGTERM.
 *
 * @param stopped what is said after the signal
 * @returns what `act` does; also after a signal, if it came to its end nevertheless
 * @throws Interrupted when the signal ended it
 */
export async function untilSignal<T>(
  call: CliCall,
  act: (signal: AbortSignal) => Promise<T>,
  stopped: () => string,
): Promise<T> {
  const abort = new AbortController()
  let stoppedBy: SignalName | undefined
  let timer: NodeJS.Timeout | undefined
  const release = call.onSignal((name) => {
    stoppedBy ??= name
    abort.abort(new Interrupted(name, stopped()))
    timer ??= setTimeout(() => {
      call.io.stderr.write(`stopped: ${stopped()}\n`)
      call.io.endBy(name)
    }, CLEAN_UP_MS)
  })
  try {
    return await act(abort.signal)
  } catch (error) {
    if (stoppedBy) throw new Interrupted(stoppedBy, stopped(), { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
    release()
  }
}
