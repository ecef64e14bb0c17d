import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { pruneRuns } from '../../../src/history/prune-runs.js'
import { byAge, type RunFolder, runFolders } from '../../../src/history/run-folders.js'
import type { ObjectStore } from '../../../src/lake/object-store.js'
import { openMetadata } from '../../../src/lake/stores.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

const { config: builtIn } = loadConfig({ env: {} })
const text = (value: string): Buffer => Buffer.from(value)

function metadataStore(): ObjectStore {
  return openMetadata({ ...builtIn, output: { ...builtIn.output, metadata_uri: lakeFolder() } })
}

/** Writes what a run leaves. @param startedAt undefined: a folder whose record is gone */
async function run(
  store: ObjectStore,
  id: string,
  startedAt: string | undefined,
  names: readonly string[],
): Promise<void> {
  const record = { formatVersion: 1, runId: id, work: id, replaces: null, engine: 'x', config: builtIn, inputs: [] }
  if (startedAt !== undefined) {
    await store.put(`runs/${id}/run.json`, text(JSON.stringify({ ...record, startedAt })), GO_ON)
  }
  for (const name of names) await store.put(`runs/${id}/${name}`, text(name), GO_ON)
}

async function idsLeft(store: ObjectStore): Promise<string[]> {
  const ids = new Set<string>()
  for await (const { key } of store.list('runs/', GO_ON)) ids.add(key.split('/')[1] ?? '')
  return [...ids].sort()
}

const ended = (id: string, startedMs: number): RunFolder => ({ id, objects: [], startedMs, ended: true })

describe('of the runs that ended', () => {
  it('as many stay as are to be kept, the one that the table shows included, however old it is', () => {
    const folders = [ended('oldest', 1), ended('newest', 3), ended('middle', 2)]
    const ids = (list: readonly RunFolder[]): string[] => list.map(({ id }) => id)
    expect(ids(byAge(folders, 2, undefined).kept)).toEqual(['newest', 'middle'])
    expect(ids(byAge(folders, 2, undefined).old)).toEqual(['oldest'])
    expect(ids(byAge(folders, 2, 'oldest').kept)).toEqual(['newest'])
    expect(ids(byAge(folders, 1, 'oldest').old)).toEqual(['newest', 'middle'])
  })

  it('one without a record counts as the oldest: nobody can go on with it', async () => {
    const store = metadataStore()
    await run(store, 'a', '2026-01-01T00:00:00.000Z', ['receipt.json'])
    await run(store, 'b', undefined, ['receipt.json'])
    const folders = await runFolders(store, GO_ON)
    expect(byAge(folders, 1, undefined).old.map(({ id }) => id)).toEqual(['b'])
  })
})

it('a run that publishes deletes the old ones, and neither itself nor one that never ended', async () => {
  const store = metadataStore()
  await run(store, 'current', '2026-01-01T00:00:00.000Z', ['receipt.json'])
  await run(store, 'before', '2026-01-03T00:00:00.000Z', ['receipt.json'])
  await run(store, 'old', '2026-01-02T00:00:00.000Z', ['receipt.json', 'units/0.json'])
  await run(store, 'failed', '2025-01-01T00:00:00.000Z', ['plan.parquet'])
  await pruneRuns(store, 2, 'current', GO_ON)
  expect(await idsLeft(store)).toEqual(['before', 'current', 'failed'])
})
