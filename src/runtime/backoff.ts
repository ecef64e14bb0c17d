/** Pauses between attempts. */

/** How long pauses are. */
export interface BackoffBounds {
  readonly firstMs: number
  readonly longestMs: number
}

/** The pause after attempt `number`, from 1, in ms: each is twice the one before it, up to the longest. */
export function doublingMs(number: number, { firstMs, longestMs }: BackoffBounds): number {
  return Math.min(longestMs, firstMs * 2 ** (number - 1))
}

/** A random half to all of {@link doublingMs}: who was refused together does not come back together. */
export function backoffMs(number: number, bounds: BackoffBounds): number {
  return doublingMs(number, bounds) * (0.5 + Math.random() / 2)
}
