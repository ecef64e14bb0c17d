/**
 * One pace for all requests of a connection once S3 says SlowDown: a prefix is split as it is used, and that takes it
 * minutes in which each request alone would only learn by being refused.
 */
import { setTimeout as delay } from 'node:timers/promises'

/** Refusals within this time are answers to the same pace. */
const ONE_REFUSAL_MS = 500

/** Requests per second below which no refusal slows further, and beyond which nothing needs to be held back. */
const SLOWEST = 200
const FREE = 5_000

/** After this long without a refusal the pace has doubled. */
const DOUBLES_IN_MS = 1_000

/** Looks at the pace over this long. */
const WINDOW_MS = 1_000

/** A timer is no finer. */
const LEAST_PAUSE_MS = 1

/** The pace of the requests of one connection. Without a refusal it holds nobody up. */
export class Brake {
  /** Requests per second; undefined: as fast as they come. */
  #rate: number | undefined
  #changedMs = 0
  #refusedMs = Number.NEGATIVE_INFINITY
  #nextMs = 0
  #windowMs = 0
  #inWindow = 0
  #before = 0

  /** Waits for a place in the row. @throws the signal's reason when it is aborted */
  async pass(signal: AbortSignal): Promise<void> {
    const pauseMs = this.take()
    if (pauseMs >= LEAST_PAUSE_MS) await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }

  /** Takes the next place in the row. @returns in how many ms it comes */
  take(nowMs = performance.now()): number {
    this.#count(nowMs)
    if (this.#rate === undefined) return 0
    const at = Math.max(nowMs, this.#nextMs)
    this.#nextMs = at + 1000 / this.#rate
    return at - nowMs
  }

  /** S3 has said SlowDown to a request. */
  refused(nowMs = performance.now()): void {
    if (nowMs - this.#refusedMs < ONE_REFUSAL_MS) return
    this.#refusedMs = nowMs
    this.#changedMs = nowMs
    const rate = this.#rate ?? Math.max(this.#inWindow, this.#before)
    this.#rate = Math.max(SLOWEST, rate / 2)
  }

  /** S3 has done what a request asked for. */
  served(nowMs = performance.now()): void {
    if (this.#rate === undefined) return
    this.#rate *= 2 ** ((nowMs - this.#changedMs) / DOUBLES_IN_MS)
    this.#changedMs = nowMs
    if (this.#rate > FREE) this.#rate = undefined
  }

  #count(nowMs: number): void {
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#before = nowMs - this.#windowMs < 2 * WINDOW_MS ? this.#inWindow : 0
      this.#windowMs = nowMs
      this.#inWindow = 0
    }
    this.#inWindow += 1
  }
}
