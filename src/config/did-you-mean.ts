/** The known word that a mistyped one was probably meant to be. */
import { closest, distance } from 'fastest-levenshtein'

/**
 * The nearest of the known words, in any case of the letters, or undefined where none is near enough.
 * @param most how many letters may differ, never all. Default: a third of them, at least two
 */
export function didYouMean(
  word: string,
  known: readonly string[],
  most = Math.max(2, Math.floor(word.length / 3)),
): string | undefined {
  if (known.length === 0) return undefined
  const lower = new Map(known.map((one) => [one.toLowerCase(), one]))
  const nearest = closest(word.toLowerCase(), [...lower.keys()])
  const tolerated = Math.min(most, nearest.length - 1)
  return distance(word.toLowerCase(), nearest) <= tolerated ? lower.get(nearest) : undefined
}
