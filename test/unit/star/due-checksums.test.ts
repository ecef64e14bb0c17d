import { expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { readParquet } from '../../../src/engine/parquet-scan.js'
import { sumDueRows } from '../../../src/star/due-checksums.js'
import { severalFilesStar } from '../../stars/several-files-star.js'
import { withJudged } from '../quality/judged-star.js'

it('what the rows of partitions are due to be does not depend on how many facts are looked at in one statement', async () => {
  await withJudged(severalFilesStar(), {}, async ({ staged, root }) => {
    const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: root })
    try {
      const facts = await engine.count(`SELECT count(*) FROM ${readParquet([staged.facts])}`)
      const ranges = [
        { from: 0, to: 50 },
        { from: 60, to: 61 },
        { from: 100, to: facts },
      ]
      const sums = async (factsAtOnce?: number): Promise<unknown> => {
        await sumDueRows(engine, { paths: staged, block: 0, ranges }, factsAtOnce)
        return await engine.rows(
          'SELECT slice_id, cell_id, rows, checksum::VARCHAR AS checksum FROM due_sums ORDER BY ALL',
        )
      }
      const due = await sums()
      const rows = await engine.count('SELECT sum(rows)::BIGINT FROM due_sums')
      expect(rows).toBe(
        await engine.count(`SELECT count(*) FROM ${readParquet([staged.facts])} JOIN ${readParquet([staged.members])} USING (group_id)
          WHERE fact_row < 50 OR fact_row = 60 OR fact_row >= 100`),
      )
      for (const factsAtOnce of [1, 7, 64]) expect(await sums(factsAtOnce)).toEqual(due)
    } finally {
      engine.close()
    }
  })
})
