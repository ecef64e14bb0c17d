/** What the activities are made of; the worker brings it, tests bring their own. */

import type { WorkerRecorder } from '../records/worker.js'
import type { WorkerResources } from '../runtime/worker/host.js'
import type { StarCache } from './star-cache.js'

/** Dependencies of all activities. */
export type ActivityDeps = WorkerResources & {
  /** Environment in which configurations are resolved. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly star: StarCache
  readonly recorder: WorkerRecorder
}
