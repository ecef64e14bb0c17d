/** Whether the published table is still what its manifest says. */
import type { Config } from '../config/schema.js'
import { openCatalog } from '../lake/catalogs.js'
import type { ObjectStore } from '../lake/object-store.js'
import { openStore } from '../lake/stores.js'
import { Engine, readParquet } from '../runtime/engine.js'
import type { CurrentRecord } from './current.js'
import type { ActivityDeps } from './deps.js'

/**
 * Looks at every object of the table (its size, not its bytes) and at the catalog. A table that somebody has damaged
 * is not "unchanged": the run goes on and mends it.
 */
export async function tableIsIntact(
  config: Config,
  metadata: ObjectStore,
  current: CurrentRecord,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await openCatalog(config).registeredRun(signal)) !== current.runId) return false
  if ((await metadata.find(current.manifest, signal)) === undefined) return false
  const manifest = await metadata.fetchLocal(current.manifest, deps.scratch, signal)
  const engine = await Engine.open({ memoryLimitMb: deps.budget.engineMb, threads: 1, scratch: deps.scratch })
  try {
    const source = readParquet([manifest])
    const keys = (await engine.column(`SELECT key FROM ${source} ORDER BY key`)).map(String)
    const bytes = (await engine.column(`SELECT bytes FROM ${source} ORDER BY key`)).map(Number)
    const found = await openStore(config.output.uri).stat(keys, signal)
    return found.every((object, i) => object?.bytes === bytes[i])
  } finally {
    engine.close()
  }
}
