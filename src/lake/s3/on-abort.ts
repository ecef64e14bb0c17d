/**
 * Many who wait for one signal. Node looks through all listeners of a signal to add one, and a hundred requests on their
 * way share the signal of their activity: so there is one listener for all of them.
 */

const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/** Has `act` called when the signal is aborted; at once where it is already. @returns ends that */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) {
    act()
    return () => undefined
  }
  const acts = waiting.get(signal) ?? listen(signal)
  acts.add(act)
  return () => void acts.delete(act)
}

function listen(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>()
  waiting.set(signal, acts)
  signal.addEventListener(
    'abort',
    () => {
      for (const act of [...acts]) act()
      acts.clear()
    },
    { once: true },
  )
  return acts
}
