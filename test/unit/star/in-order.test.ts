import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Engine, readParquet } from '../../../src/engine/engine.js'
import { sqlString } from '../../../src/engine/sql.js'
import { takeInventory } from '../../../src/plan/inventory.js'
import { loadQuarantined, readFacts } from '../../../src/star/fact-window.js'
import type { StagedPaths } from '../../../src/star/staged-files.js'
import { loadBlock, loadStagedStar } from '../../../src/star/staged-star.js'
import { goodFact, goodStar } from '../../stars/good-star.js'
import { tinyStar } from '../../stars/tiny-star.js'
import { withJudged } from '../quality/judged-star.js'

/** Reads all that is read without sorting. @returns facts and entries that came */
async function readAll(paths: StagedPaths): Promise<{ readonly facts: number; readonly entries: number }> {
  const scratch = mkdtempSync(join(tmpdir(), 'etl3-in-order-'))
  const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch })
  try {
    const star = await loadStagedStar(engine, paths)
    const block = await loadBlock(engine, star, 0)
    const quarantined = await loadQuarantined(engine, paths)
    let entries = 0
    for await (const _ of takeInventory(engine, star, block, quarantined)) entries += 1
    const to = await engine.count(`SELECT count(*) FROM ${readParquet([paths.facts])}`)
    const { window } = await readFacts(engine, paths, { from: 0, to }, { quarantined })
    return { facts: window.facts, entries }
  } finally {
    engine.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The same staged files, one of them with its rows the other way round. */
async function reversed(
  paths: StagedPaths,
  name: keyof StagedPaths,
  order: string,
  root: string,
): Promise<StagedPaths> {
  const folder = join(root, `reversed-${name}`)
  mkdirSync(folder)
  const target = join(folder, `${name}.parquet`)
  const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: root })
  await engine.run(
    `COPY (SELECT * FROM ${readParquet([paths[name]])} ORDER BY ${order}) TO ${sqlString(target)} (FORMAT parquet)`,
  )
  engine.close()
  return { ...paths, [name]: target }
}

const ORDERS = [
  ['facts', 'fact_row DESC'],
  ['attrs', 'attr_id DESC'],
  ['codes', 'code_id DESC'],
  ['groups', 'group_id DESC'],
  ['npis', 'npi_id DESC'],
  ['members', 'group_id DESC, cell_id DESC, npi_id DESC'],
] as const

it('what is read without sorting is refused when it does not come in its order', async () => {
  await withJudged(tinyStar(), {}, async ({ staged, root }) => {
    const { facts, entries } = await readAll(staged)
    expect(facts).toBeGreaterThan(1)
    expect(entries).toBeGreaterThan(1)
    for (const [name, order] of ORDERS) {
      const paths = await reversed(staged, name, order, root)
      await expect(readAll(paths), name).rejects.toMatchObject({ kind: 'IntegrityError', code: 'ETL3-WR-01' })
    }
  })
})

it('so are the identities of facts, which lie in blocks', async () => {
  const facts = Array.from({ length: 600 }, (_, i) => goodFact(i))
  await withJudged(goodStar({ 'gold/fact_rate': facts }), {}, async ({ staged, root }) => {
    expect((await readAll(staged)).facts).toBe(600)
    const paths = await reversed(staged, 'uids', 'first_row DESC', root)
    await expect(readAll(paths)).rejects.toMatchObject({ code: 'ETL3-WR-01' })
  })
})
