/** What every adapter of the catalog promises. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Catalog } from '../../../src/lake/catalog.js'
import { partitionKey } from '../../../src/lake/keys.js'
import { countRows } from './count-rows.js'
import { DIFFICULT, PARTITION_COLUMNS, type SmallPartition, writeSmallLake } from './duckdb/small-lake.js'
import { GO_ON } from './folder/lake-folder.js'

/** A catalog over nothing, and where its table lies. */
export interface CatalogPlace {
  readonly open: () => Catalog
  /** Folder of the table's files. */
  readonly root: string
  /** Address of the table as the catalog is told. Default: the folder. */
  readonly tableUri?: string
  /** What a reader meets where a published file is not there: an error that names it, or rows that are not counted. */
  readonly missingFile: 'error' | 'uncounted'
}

/** Makes a place that no other test uses. */
export type MakeCatalog = () => Promise<CatalogPlace>

const partition = (state: string | null, rows: number): SmallPartition => ({
  values: ['aetna', state, 'Area', '08'],
  rows,
})

/** Runs the promises of the port over an adapter. */
export function catalogSuite(name: string, makeCatalog: MakeCatalog): void {
  describe(`${name} as a catalog`, () => {
    it('shows nothing before anything is registered', async () => {
      const { open } = await makeCatalog()
      expect(await open().registeredRun(GO_ON)).toBeUndefined()
    })

    it('shows the run that was registered, whoever asks', async () => {
      const { open, ...place } = await makeCatalog()
      await open().register(await writeSmallLake([partition('TX', 3)], { ...place, runId: "run 'x'" }), GO_ON)
      expect(await open().registeredRun(GO_ON)).toBe("run 'x'")
    })

    it('tells what changed against what it showed before', async () => {
      const { open, ...place } = await makeCatalog()
      const first = await writeSmallLake([partition('TX', 3), partition('GA', 2), partition(null, 1)], place)
      expect(await open().register(first, GO_ON)).toMatchObject({ partitions: 3, created: 3, updated: 0, deleted: 0 })
      expect(await open().register(first, GO_ON)).toMatchObject({ partitions: 3, created: 0, updated: 0, deleted: 0 })
      const second = await writeSmallLake([partition('TX', 4), partition(null, 1), partition('ID', 5)], place)
      expect(await open().register(second, GO_ON)).toMatchObject({ partitions: 3, created: 1, updated: 1, deleted: 1 })
      expect(await open().register(await writeSmallLake([], place), GO_ON)).toMatchObject({
        partitions: 0,
        created: 0,
        updated: 0,
        deleted: 3,
      })
    })

    it('counts the rows of the table as a reader finds them, by any of its partition columns', async () => {
      const { open, ...place } = await makeCatalog()
      await open().register(await writeSmallLake(DIFFICULT, place), GO_ON)
      for (const columns of [PARTITION_COLUMNS.slice(0, 2), PARTITION_COLUMNS.slice(2, 3), PARTITION_COLUMNS]) {
        const due = new Map<string, number>()
        for (const { values, rows } of DIFFICULT) {
          const group = JSON.stringify(columns.map((column) => values[PARTITION_COLUMNS.indexOf(column)]))
          due.set(group, (due.get(group) ?? 0) + rows)
        }
        const counts = await countRows(open(), columns)
        expect(new Map(counts.map(({ values, rows }) => [JSON.stringify(values), rows]))).toEqual(due)
        expect(counts).toHaveLength(due.size)
      }
    })

    it('counts nothing in an empty table', async () => {
      const { open, ...place } = await makeCatalog()
      await open().register(await writeSmallLake([], place), GO_ON)
      expect(await countRows(open(), ['payer_slug', 'state'])).toEqual([])
    })

    it('notices that a published file is not there', async () => {
      const { open, ...place } = await makeCatalog()
      await open().register(await writeSmallLake([partition('TX', 3), partition('GA', 2)], place), GO_ON)
      rmSync(join(place.root, partitionKey(PARTITION_COLUMNS, partition('GA', 2).values)))
      const found = countRows(open(), ['state'])
      if (place.missingFile === 'uncounted') expect(await found).toEqual([{ values: ['TX'], rows: 3 }])
      else {
        await expect(found).rejects.toThrow(
          expect.objectContaining({ code: 'ETL3-CA-03', message: expect.stringContaining('state=GA') }),
        )
      }
    })

    it('notices that a published file has other rows than were registered', async () => {
      const { open, ...place } = await makeCatalog()
      await open().register(await writeSmallLake([partition('TX', 3), partition('GA', 2)], place), GO_ON)
      await writeSmallLake([partition('GA', 7)], place)
      expect(await countRows(open(), ['state'])).toContainEqual({ values: ['GA'], rows: 7 })
    })

    it('shows one of two states that are registered at once, whole', async () => {
      const { open, ...place } = await makeCatalog()
      const states = [
        await writeSmallLake([partition('TX', 3)], { ...place, runId: 'A' }),
        await writeSmallLake([partition('TX', 3), partition('GA', 2)], { ...place, runId: 'B' }),
      ]
      for (let round = 0; round < 3; round++) {
        await Promise.all(states.map((state) => open().register(state, GO_ON)))
        const run = await open().registeredRun(GO_ON)
        expect(await countRows(open(), ['payer_slug'])).toEqual([{ values: ['aetna'], rows: run === 'A' ? 3 : 5 }])
      }
    })

    it('does nothing once the signal is aborted', async () => {
      const { open, ...place } = await makeCatalog()
      const state = await writeSmallLake([partition('TX', 3)], place)
      const stopped = AbortSignal.abort(new Error('stopped'))
      await expect(open().register(state, stopped)).rejects.toThrow('stopped')
      expect(await open().registeredRun(GO_ON)).toBeUndefined()
      await open().register(state, GO_ON)
      await expect(countRows(open(), ['state'], stopped)).rejects.toThrow('stopped')
      await expect(open().registeredRun(stopped)).rejects.toThrow('stopped')
    })
  })
}
