import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { takeChanges } from '../../../src/report/changes.js'
import { takePlacement } from '../../../src/report/placement.js'

async function withFiles<T>(use: (engine: Engine, plan: string, manifest: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-changes-'))
  const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: folder })
  const plan = join(folder, 'plan.parquet')
  const manifest = join(folder, 'manifest.parquet')
  try {
    await engine.run(`COPY (SELECT * FROM (VALUES
      ('add', 'k1', 'x', 'TX', 10, 5), ('replace', 'k2', 'x', NULL, 7, 3), ('keep', 'k3', 'y', 'TX', 100, 60),
      ('remove', 'k4', NULL, NULL, 4, 0), ('remove', 'stranger', NULL, NULL, 0, 0)) t(action, key, payer_slug, state, rows, facts))
      TO '${plan}' (FORMAT parquet)`)
    await engine.run(`COPY (SELECT * FROM (VALUES ('k2', 'x', NULL, 9), ('k3', 'y', 'TX', 100), ('k4', 'y', 'CA', 4)) t(key, payer_slug, state, rows))
      TO '${manifest}' (FORMAT parquet)`)
    return await use(engine, plan, manifest)
  } finally {
    engine.close()
  }
}

describe('what a run changes', () => {
  it('counts partitions and rows by what happens, by payer and by state, removed ones by their last values', async () => {
    const changes = await withFiles((engine, plan, manifestBefore) =>
      takeChanges(engine, { plan, manifestBefore, partitionColumns: ['payer_slug', 'state'] }),
    )
    expect(changes).toMatchObject({
      added: { partitions: 1, rowsBefore: 0, rowsAfter: 10 },
      replaced: { partitions: 1, rowsBefore: 9, rowsAfter: 7 },
      kept: { partitions: 1, rowsBefore: 100, rowsAfter: 100 },
      removed: { partitions: 2, rowsBefore: 4, rowsAfter: 0 },
    })
    expect(changes.byPayer).toEqual([
      { value: 'x', added: 1, replaced: 1, kept: 0, removed: 0, rowsBefore: 9, rowsAfter: 17 },
      { value: 'y', added: 0, replaced: 0, kept: 1, removed: 1, rowsBefore: 104, rowsAfter: 100 },
      { value: null, added: 0, replaced: 0, kept: 0, removed: 1, rowsBefore: 0, rowsAfter: 0 },
    ])
    expect(changes.byState?.find((s) => s.value === 'CA')).toMatchObject({ removed: 1, rowsBefore: 4, rowsAfter: 0 })
  })

  it('of the first run are all additions; a column that is no partition column is not told', async () => {
    const changes = await withFiles((engine, plan) =>
      takeChanges(engine, { plan, manifestBefore: undefined, partitionColumns: ['payer_slug'] }),
    )
    expect(changes.kept).toEqual({ partitions: 1, rowsBefore: 0, rowsAfter: 100 })
    expect(changes.byState).toBeNull()
  })
})

describe('where the rows lie', () => {
  it('leaves out what is removed, and tells sizes, the largest, the smallest and the skew', async () => {
    const placement = await withFiles((engine, plan) => takePlacement(engine, plan, false))
    expect(placement).toMatchObject({
      partitions: 3,
      bytes: null,
      rows: { smallest: 7, p50: 10, largest: 100 },
      skew: { topPartitions: 1, shareOfRows: 100 / 117 },
    })
    expect(placement.largest.map((p) => p.key)).toEqual(['k3', 'k1', 'k2'])
    expect(placement.smallest.map((p) => p.key)).toEqual(['k2', 'k1', 'k3'])
    expect(placement.histogram).toEqual([
      { from: 4, to: 7, partitions: 1, rows: 7 },
      { from: 8, to: 15, partitions: 1, rows: 10 },
      { from: 16, to: 31, partitions: 0, rows: 0 },
      { from: 32, to: 63, partitions: 0, rows: 0 },
      { from: 64, to: 127, partitions: 1, rows: 100 },
    ])
  })
})
