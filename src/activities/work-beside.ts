/** Work for the engine beside an activity's own, which leaves it idle for much of its time. */
import type { Engine } from '../engine/engine.js'
import { IncompleteResult } from '../engine/whole-result.js'
import { messageOf } from '../runtime/errors.js'
import type { ActivityDeps } from './deps.js'
import type { ActivityScope } from './scope.js'
import { isEngineShortage } from './step-failure.js'

/** What is done beside. Whoever needs its result does it again where it is missing. */
export interface WorkBeside {
  /** For the log. */
  readonly name: string
  readonly act: (engine: Engine, signal: AbortSignal) => Promise<void>
}

/**
 * Does an activity's own work, and other work of the engine meanwhile, within the same memory and on a thread of its own.
 * Where there is no room for both, the other work is left undone, and so it is where it fails. It takes nothing from the
 * activity: if this finds too little memory, the other work is stopped, and the activity's begins again alone; a further
 * attempt of the activity has nothing beside it.
 *
 * @param own may be called twice
 * @throws what `own` throws
 */
export async function withWorkBeside<T>(
  { memory, log }: Pick<ActivityDeps, 'memory' | 'log'>,
  scope: Pick<ActivityScope, 'signal' | 'attempt'>,
  engine: Pick<Engine, 'beside'>,
  { name, act }: WorkBeside,
  own: () => Promise<T>,
): Promise<T> {
  if (memory.isHigh || scope.attempt > 1) return await own()
  const stop = new AbortController()
  const signal = AbortSignal.any([scope.signal, stop.signal])
  const work = engine
    .beside(signal, (beside) => act(beside, signal))
    .catch((error: unknown) => log.debug(`${name}: left for later`, { error: messageOf(error) }))
  try {
    return await own()
  } catch (error) {
    stop.abort()
    await work
    if (scope.signal.aborted || !mayBeOfBoth(error)) throw error
    log.debug(`${name}: stopped, there is no memory for both`)
    return await own()
  } finally {
    await work
  }
}

/**
 * Whether a failure may come from a memory that two shared. Whether the other work still held some of it when the statement
 * failed cannot be known: it may have ended before the failure is heard of, and a stream then cannot tell why it broke off.
 */
function mayBeOfBoth(error: unknown): boolean {
  return isEngineShortage(error) || error instanceof IncompleteResult
}
