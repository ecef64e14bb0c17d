/** Values of attributes and groups are the same, whether all are held or only those of a window. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { readParquet } from '../../../src/engine/parquet-scan.js'
import type { ValuePool } from '../../../src/parquet/factorised.js'
import { blockRowGroups, RowGroupBuilder } from '../../../src/star/enrich.js'
import type { WindowAxis } from '../../../src/star/fact-axes.js'
import { loadQuarantined } from '../../../src/star/fact-window.js'
import { RowChecksums } from '../../../src/star/row-checksums.js'
import { readWindow } from '../../../src/star/slice-reader.js'
import { loadBlock, loadStagedStar, type StagedStar } from '../../../src/star/staged-star.js'
import { severalFilesStar, variedFact } from '../../stars/several-files-star.js'
import { withJudged } from '../quality/judged-star.js'

/** Facts whose attributes are hardly ever the same, some of them NULL, some with the characters of other scripts. */
const FACTS = Array.from({ length: 240 }, (_, i) => ({
  ...variedFact(i),
  reporting_entity_name: i % 7 === 0 ? null : `Entity ${'ü𝄞'.repeat(i % 3)} ${(i * 7919) % 211}`,
  negotiation_arrangement: i % 5 === 0 ? null : 'ffs',
  provider_group_id_raw: `raw ${(i * 31) % 97}`,
}))

function pooledValue(pool: ValuePool, index: number): unknown {
  if (index < 0) return null
  switch (pool.kind) {
    case 'bytes':
      return Buffer.from(pool.data.subarray(pool.offsets[index]! + 4, pool.offsets[index + 1])).toString()
    case 'list':
      return Array.from(pool.items.subarray(pool.itemOffsets[index], pool.itemOffsets[index + 1]), (item) =>
        pooledValue(pool.elements, item),
      )
    default:
      return pool.values[index]
  }
}

/** All values of each fact. */
function valuesOf({ table, entryOf }: WindowAxis): unknown[] {
  return Array.from(entryOf, (entry) =>
    table.columns.map(({ name, pool, valueOf: index }) => [name, pooledValue(pool, index[entry]!)]),
  )
}

it('a window of facts has the values, and the checksum, that it has with all of them in memory', async () => {
  await withJudged(severalFilesStar(FACTS), {}, async ({ staged, root }) => {
    const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: root })
    try {
      const whole = await loadStagedStar(engine, staged)
      const windowed = await loadStagedStar(engine, staged, 0)
      expect([whole.attrs.whole?.entries, windowed.attrs.whole, windowed.groups.whole]).toEqual([
        whole.attrs.entries,
        undefined,
        undefined,
      ])
      expect(whole.attrs.entries).toBeGreaterThan(200)
      const block = await loadBlock(engine, whole, 0)
      const quarantined = await loadQuarantined(engine, staged)
      const facts = await engine.count(`SELECT count(*) FROM ${readParquet([staged.facts])}`)
      const read = async (star: StagedStar, from: number, to: number) => {
        const { window } = await readWindow(engine, star, { from, to }, { quarantined })
        const checksums = new RowChecksums(star)
        checksums.startBlock(block)
        checksums.startWindow(window)
        const builder = new RowGroupBuilder(star, { rowGroupRows: 50, byState: false })
        for (const rows of blockRowGroups({ window, from: 0, to: window.facts }, block, builder)) checksums.add(rows)
        return { attrs: valuesOf(window.attrs), groups: valuesOf(window.groups), checksum: checksums.take(), window }
      }
      const ranges = fc.tuple(fc.nat(facts), fc.nat(facts)).filter(([a, b]) => a !== b)
      await fc.assert(
        fc.asyncProperty(ranges, async ([a, b]) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)]
          const { window: _, ...due } = await read(whole, from, to)
          const { window, ...found } = await read(windowed, from, to)
          expect(found).toEqual(due)
          expect(window.attrs.table.entries).toBe(new Set(window.attr.subarray(0, window.facts)).size)
        }),
        { numRuns: 20 },
      )
    } finally {
      engine.close()
    }
  })
})
