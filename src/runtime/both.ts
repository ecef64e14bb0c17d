/** Waits for two pieces of work that run at once, to their ends. @throws the first one's error if both fail */
export async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second])
  return [await first, await second]
}
