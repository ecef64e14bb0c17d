/** Work that SIGINT and SIGTERM end, however it goes. */
import { Interrupted } from './exit-codes.js'
import type { SignalName } from './io.js'
import type { CliCall } from './shell.js'

/** So long it may take after a signal until what was begun is cleaned up; then the command ends without. */
const CLEAN_UP_MS = 3_000

/**
 * Runs `act` with a signal that is aborted by SIGINT and SIGTERM.
 *
 * @param stopped what is said after the signal
 * @returns what `act` does; also after a signal, if it came to its end nevertheless
 * @throws Interrupted when the signal ended it, or when it does not end by itself
 */
export async function untilSignal<T>(
  call: CliCall,
  act: (signal: AbortSignal) => Promise<T>,
  stopped: () => string,
): Promise<T> {
  const abort = new AbortController()
  let stoppedBy: SignalName | undefined
  let timer: NodeJS.Timeout | undefined
  let giveUp: (error: Error) => void = () => {}
  const tooLate = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  const release = call.onSignal((name) => {
    stoppedBy ??= name
    abort.abort(new Interrupted(name, stopped()))
    timer ??= setTimeout(() => giveUp(new Interrupted(name, stopped())), CLEAN_UP_MS)
  })
  try {
    return await Promise.race([act(abort.signal), tooLate])
  } catch (error) {
    if (stoppedBy) throw new Interrupted(stoppedBy, stopped(), { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
    release()
  }
}
