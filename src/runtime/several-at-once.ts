/** Work on many items, several of them at a time. */

/**
 * Applies `act` to each item, at most `atOnce` at a time, and gives the results in the order of the items. After a
 * failure nothing new begins; what had begun ends before it is thrown.
 */
export async function severalAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  act: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let failure: { readonly error: unknown } | undefined
  let next = 0
  async function work(): Promise<void> {
    for (let index = next++; index < items.length && !failure; index = next++) {
      try {
        // An index below the length: the item is there.
        results[index] = await act(items[index]!, index)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
  if (failure) throw failure.error
  return results
}
