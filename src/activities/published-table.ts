/** Whether the published table is still what its manifest says. */
import type { Config } from '../config/schema.js'
import { openCatalog } from '../lake/catalogs.js'
import type { ObjectStore } from '../lake/object-store.js'
import { openTable } from '../lake/stores.js'
import { type ManifestedObject, manifestPages } from '../partition-files/read-manifest.js'
import type { CurrentRecord } from '../records/current.js'
import { fetchManifest } from '../records/manifest.js'
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
  const manifest = await fetchManifest(metadata, current.manifest, deps.scratch, signal)
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
  return await withEngine(deps, scratch, signal, async (engine) => {
    for await (const objects of manifestPages(engine, manifest)) {
      const differs = await differingOf(objects, table, signal)
      if (differs !== undefined) return differs
    }
    return undefined
  })
}

async function differingOf(
  objects: readonly ManifestedObject[],
  table: ObjectStore,
  signal: AbortSignal,
): Promise<string | undefined> {
  const keys = objects.map(({ key }) => key)
  const found = await table.stat(keys, signal)
  const resized = objects.find(({ bytes }, i) => found[i]?.bytes !== bytes)
  if (resized) return resized.key
  // A lake that was moved carries other marks: its bytes tell.
  const moved = objects.filter(({ etag }, i) => found[i]?.etag !== etag)
  const differs = await severalAtOnce(moved, table.atOnce, async ({ key, sha256 }) => {
    const content = await table.digest(key, signal)
    return content?.sha256 !== sha256
  })
  return moved.find((_, i) => differs[i])?.key
}
