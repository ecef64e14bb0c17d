/** Whether the published table is still what its manifest says. */
import type { Config } from '../config/schema.js'
import { readParquet } from '../engine/parquet-scan.js'
import { openCatalog } from '../lake/catalogs.js'
import type { ObjectStore } from '../lake/object-store.js'
import { openTable } from '../lake/stores.js'
import type { CurrentRecord } from '../records/current.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import type { ActivityDeps } from './deps.js'
import { withEngine } from './run-context.js'

/**
 * Looks at every object of the table (its size and its mark) and at the catalog. A table that somebody has damaged, or
 * that an unfinished publication has begun to replace, is not "unchanged": the run goes on and mends it.
 */
export async function tableIsIntact(
  config: Config,
  metadata: ObjectStore,
  current: CurrentRecord,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const catalog = await openCatalog(config)
  if ((await catalog.registeredRun(signal)) !== current.runId) return false
  if ((await metadata.find(current.manifest, signal)) === undefined) return false
  const manifest = await metadata.fetchLocal(current.manifest, deps.scratch, signal)
  const table = openTable(config)
  return (await differingObject({ table, manifest, scratch: deps.scratch }, deps, signal)) === undefined
}

/** A table's objects, and what they should be. */
export interface ManifestedTable {
  readonly table: ObjectStore
  /** Local path of the manifest. */
  readonly manifest: string
  readonly scratch: string
}

/** The key of an object that is not what the manifest says, or undefined where all are. */
export async function differingObject(
  { table, manifest, scratch }: ManifestedTable,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const due = await withEngine(deps, scratch, signal, async (engine) => {
    const column = async (name: string): Promise<string[]> =>
      (await engine.column(`SELECT ${name} FROM ${readParquet([manifest])} ORDER BY key`)).map(String)
    return {
      keys: await column('key'),
      bytes: await column('bytes'),
      etags: await column('etag'),
      checksums: await column('sha256'),
    }
  })
  const moved: number[] = []
  for (const [i, object] of (await table.stat(due.keys, signal)).entries()) {
    if (object?.bytes !== Number(due.bytes[i])) return due.keys[i]
    if (object.etag !== due.etags[i]) moved.push(i)
  }
  // A lake that was moved carries other marks: its bytes tell.
  const differs = await severalAtOnce(moved, table.atOnce, async (i) => {
    const content = await table.digest(due.keys[i] ?? '', signal)
    return content?.sha256 !== due.checksums[i]
  })
  const first = moved.find((_, at) => differs[at])
  return first === undefined ? undefined : due.keys[first]
}
