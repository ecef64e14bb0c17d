import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { writeLargeStar } from '../../../src/demo/write-star.js'
import { Engine } from '../../../src/engine/engine.js'
import { readParquet } from '../../../src/engine/parquet-scan.js'
import { sqlString } from '../../../src/engine/sql.js'
import { sumDueRows } from '../../../src/star/due-checksums.js'
import { findInputs } from '../../../src/star/inputs.js'
import { layoutOf } from '../../../src/star/layout.js'
import { stageDimensions } from '../../../src/star/stage-dimensions.js'
import { checkSchemas, selectInputs } from '../../../src/star/validate.js'
import { pathsIn, stageAllFacts } from '../../pipeline/run-in-process.js'

/** What the engine has in the smallest worker. */
const ENGINE_MB = 96
const FACTS = 40_000

let root: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-due-'))
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

it('what many times as many rows as facts are due to be is computed in the memory that the facts need', async () => {
  const star = await writeLargeStar({ out: join(root, 'star'), facts: FACTS, maxMembers: 20 })
  const folder = join(root, 'staged')
  mkdirSync(folder)
  await withEngine(256, async (engine) => {
    const config = configSchema.parse({ input: { root: star.root, tables: { fact_rate: star.factGlob } } })
    const tables = await checkSchemas(await findInputs(config, new AbortController().signal), engine)
    const layout = layoutOf(config.partitioning.partition_columns)
    await stageDimensions({ engine, inputs: selectInputs(tables), layout, folder })
    await stageAllFacts(engine, tables, folder)
    const quarantined = sqlString(pathsIn(folder).quarantined)
    await engine.run(`COPY (SELECT 0 AS fact_row WHERE false) TO ${quarantined} (FORMAT parquet)`)
  })
  const paths = pathsIn(folder)
  await withEngine(ENGINE_MB, async (engine) => {
    await sumDueRows(engine, { paths, block: 0, ranges: [{ from: 0, to: FACTS }] })
    const rows = await engine.count('SELECT sum(rows)::BIGINT FROM due_sums')
    expect(rows).toBe(
      await engine.count(
        `SELECT count(*) FROM ${readParquet([paths.facts])} JOIN ${readParquet([paths.members])} USING (group_id)`,
      ),
    )
    expect(rows).toBeGreaterThan(5 * FACTS)
  })
})

async function withEngine(memoryLimitMb: number, act: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await Engine.open({ memoryLimitMb, threads: 1, scratch: root })
  try {
    await act(engine)
  } finally {
    engine.close()
  }
}
