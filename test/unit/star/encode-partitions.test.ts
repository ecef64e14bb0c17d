/** The way of facts into files: what a window holds must not decide what a partition gets. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { readParquet } from '../../../src/engine/parquet-scan.js'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { type InventoryEntry, takeInventory } from '../../../src/plan/inventory.js'
import { DICTIONARY } from '../../../src/star/dictionary.js'
import { sumDueRows } from '../../../src/star/due-checksums.js'
import { PartitionEncoding } from '../../../src/star/encode-partitions.js'
import { loadQuarantined } from '../../../src/star/fact-window.js'
import { loadBlock, loadStagedStar } from '../../../src/star/staged-star.js'
import { severalFilesStar } from '../../stars/several-files-star.js'
import { withJudged } from '../quality/judged-star.js'

/** Facts of a window: all; several slices; less than a slice, and more than some of its partitions; less than any. */
const WINDOWS = [1_000_000, 45, 7, 1]

it('every partition gets the rows of the join of the staged star, whether its slice shares a window or fills many', async () => {
  await withJudged(severalFilesStar(), {}, async ({ staged, root }) => {
    const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: root })
    try {
      const star = await loadStagedStar(engine, staged)
      const block = await loadBlock(engine, star, 0)
      const quarantined = await loadQuarantined(engine, staged)
      const inventory: InventoryEntry[] = []
      for await (const entry of takeInventory(engine, star, block, quarantined)) inventory.push(entry)
      const facts = await engine.count(`SELECT count(*) FROM ${readParquet([staged.facts])}`)
      await sumDueRows(engine, { paths: staged, block: 0, ranges: [{ from: 0, to: facts }] })
      const due = await engine.rows(
        'SELECT slice_id, cell_id, rows, checksum::VARCHAR AS checksum FROM due_sums ORDER BY slice_id, cell_id',
      )
      expect(due.length).toBeGreaterThan(20)
      const encoder = createPartitionEncoder(DICTIONARY.map(({ name, type }) => ({ name, type })))
      for (const windowFacts of WINDOWS) {
        const folder = join(root, `files-${windowFacts}`)
        mkdirSync(folder)
        const encoding = new PartitionEncoding<InventoryEntry>({
          engine,
          star,
          quarantined,
          encoder,
          rowGroupRows: 5,
          byState: true,
          metadataOf: ({ fingerprint }) => [['etl3.fingerprint', fingerprint]],
          windowFacts,
        })
        const found: unknown[] = []
        for await (const { partition, pieces, encoded } of encoding.ofBlock(block, inventory)) {
          const file: Uint8Array[] = []
          for await (const piece of pieces) file.push(Buffer.from(piece))
          const path = join(folder, `${partition.slice}-${partition.cell}.parquet`)
          writeFileSync(path, Buffer.concat(file))
          const { rows, checksum, facts: ofPartition } = encoded()
          expect(ofPartition).toBe(partition.facts)
          expect(await engine.count(`SELECT count(*) FROM ${readParquet([path])}`)).toBe(rows)
          found.push({ slice_id: partition.slice, cell_id: partition.cell, rows: BigInt(rows), checksum })
        }
        expect(found).toEqual(due)
        expect(await valuesIn(engine, folder)).toEqual(await valuesIn(engine, join(root, `files-${WINDOWS[0]}`)))
      }
    } finally {
      engine.close()
    }
  })
})

/** Every row of the files of a folder, as text, in an order of its own. */
async function valuesIn(engine: Engine, folder: string): Promise<readonly unknown[]> {
  const files = readdirSync(folder).map((name) => join(folder, name))
  return await engine.column(`SELECT t::VARCHAR AS row FROM ${readParquet(files)} t ORDER BY 1`)
}
