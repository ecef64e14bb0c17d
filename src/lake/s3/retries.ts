/** Attempts at a request: again after a pause that grows, never beyond the signal. */

import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../../runtime/backoff.js'
import { errorOf } from '../../runtime/errors.js'
import { onAbort } from '../on-abort.js'
import type { Brake } from './brake.js'
import { isThrottled, isTransient } from './errors.js'

const PAUSES = { firstMs: 50, longestMs: 5_000 }

/** How often, and until when. */
export interface RetryOptions {
  /** In all, the first one included. */
  readonly attempts: number
  readonly signal: AbortSignal
  /** The pace that all requests of a connection keep. Default: none. */
  readonly brake?: Brake
}

/**
 * Makes attempts until one succeeds or fails for good.
 * @param attempt gets the number of the attempt, from 1
 * @throws the last attempt's error; the signal's reason, at once, when it is aborted
 */
export async function withRetries<T>(
  { attempts, signal, brake }: RetryOptions,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 1; ; number++) {
    signal.throwIfAborted()
    await brake?.pass(signal)
    try {
      const outcome = await unlessAborted(attempt(number), signal)
      brake?.served()
      return outcome
    } catch (error) {
      signal.throwIfAborted()
      if (isThrottled(error)) brake?.refused()
      if (number >= attempts || !isTransient(error)) throw error
    }
    await unlessAborted(delay(backoffMs(number, PAUSES)), signal)
  }
}

/** The outcome, or the signal's reason as soon as it is aborted. */
async function unlessAborted<T>(outcome: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const forget = onAbort(signal, () => reject(errorOf(signal.reason)))
    outcome.finally(forget).then(resolve, reject)
  })
}
