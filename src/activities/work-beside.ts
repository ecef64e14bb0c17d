/** Work for the engine beside an activity's own, which leaves it idle for much of its time. */
import type { Engine } from '../engine/engine.js'
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
 * activity: if this finds too little memory because of it, it is stopped, and the activity's work begins again alone; a
 * further attempt of the activity has nothing beside it.
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
  let working = true
  const work = engine
    .beside(signal, (beside) => act(beside, signal))
    .catch((error: unknown) => log.debug(`${name}: left for later`, { error: messageOf(error) }))
    .finally(() => {
      working = false
    })
  try {
    return await own()
  } catch (error) {
    const wasAlone = !working
    stop.abort()
    await work
    if (wasAlone || scope.signal.aborted || !isEngineShortage(error)) throw error
    log.debug(`${name}: stopped, there is no memory for both`)
    return await own()
  } finally {
    await work
  }
}
