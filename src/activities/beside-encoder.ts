/** Work for the engine while files are encoded, which keeps JavaScript busy and the engine idle. */
import type { Engine } from '../engine/engine.js'
import { messageOf } from '../runtime/errors.js'
import type { ActivityDeps } from './deps.js'
import type { ActivityScope } from './scope.js'
import { isEngineShortage } from './step-failure.js'

/** What is done beside an encoder. Whoever needs its result later does it again where it is missing. */
export interface WorkBeside {
  /** For the log. */
  readonly name: string
  readonly act: (engine: Engine, signal: AbortSignal) => Promise<void>
}

/**
 * Encodes, and does other work of the engine meanwhile, within the same memory and on a thread of its own. Where there is
 * no room for both it is left undone, and so it is where it fails. It takes nothing from the encoding: if this finds too
 * little memory because of it, it is stopped, and the encoding begins again alone.
 *
 * @param encode may be called twice
 * @throws what encoding throws
 */
export async function besideEncoder<T>(
  { memory, log }: Pick<ActivityDeps, 'memory' | 'log'>,
  scope: Pick<ActivityScope, 'signal'>,
  engine: Pick<Engine, 'beside'>,
  { name, act }: WorkBeside,
  encode: () => Promise<T>,
): Promise<T> {
  if (memory.isHigh) return await encode()
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
    return await encode()
  } catch (error) {
    const wasAlone = !working
    stop.abort()
    await work
    if (wasAlone || scope.signal.aborted || !isEngineShortage(error)) throw error
    log.debug(`${name}: stopped, the encoder needs its memory`)
    return await encode()
  } finally {
    await work
  }
}
