/**
 * What differs from what is due: from what was joined before and, where that is not nothing, from a join done anew. An error of
 * the memory or the disk may have struck what was joined before, and not what was written.
 *
 * @param differing with `true` against a join done anew
 */
export async function confirmed<T>(differing: (anew: boolean) => Promise<readonly T[]>): Promise<readonly T[]> {
  return (await differing(false)).length === 0 ? [] : await differing(true)
}
