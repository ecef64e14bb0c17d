import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../../src/engine/engine.js'
import type { FactorisedRows } from '../../src/parquet/factorised.js'
import { blockRowGroups, RowGroupBuilder } from '../../src/star/enrich.js'
import { loadQuarantined } from '../../src/star/fact-window.js'
import { readWindow } from '../../src/star/slice-reader.js'
import { loadBlock, loadStagedStar } from '../../src/star/staged-star.js'
import { severalFilesStar } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { Lake } from './in-process-run.js'
import { pathsIn } from './run-in-process.js'

let root: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-row-groups-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('row groups of any size have each fact with each member of its group once, in order, and all but the last are full', async () => {
  await writeStar(join(root, 'star'), severalFilesStar())
  const lake = new Lake(join(root, 'lake'))
  lake.configure({ star: join(root, 'star'), analytics: { enabled: true } })
  const run = await lake.open()
  await run.until('planPartitions')
  const paths = pathsIn(dirname(lake.recordPath(run.run.runId, 'staged/facts.parquet')))
  const engine = await Engine.open({ memoryLimitMb: 256, threads: 1, scratch: root })
  try {
    const star = await loadStagedStar(engine, paths)
    const block = await loadBlock(engine, star, 0)
    const quarantined = await loadQuarantined(engine, paths)
    const { window } = await readWindow(engine, star, { from: 0, to: 240 }, { quarantined })
    const due: string[] = []
    for (let fact = 0; fact < window.facts; fact++) {
      const group = window.group[fact] ?? -1
      for (let link = block.linkStart[group] ?? 0; link < (block.linkStart[group + 1] ?? 0); link++) {
        for (let m = block.memberStart[link] ?? 0; m < (block.memberStart[link + 1] ?? 0); m++) {
          due.push(`${fact} ${block.members[m]}`)
        }
      }
    }
    expect(due.length).toBeGreaterThan(600)
    for (const rowGroupRows of [1, 2, 7, 100, 131_072]) {
      const builder = new RowGroupBuilder(star, { rowGroupRows, byState: true })
      const found: string[][] = []
      for (const rows of blockRowGroups({ window, from: 0, to: window.facts }, block, builder))
        found.push(pairsOf(rows))
      expect(found.flat()).toEqual(due)
      expect(found.slice(0, -1).every((pairs) => pairs.length === rowGroupRows)).toBe(true)
    }
  } finally {
    engine.close()
  }
})

/** Fact and provider of each row. */
function pairsOf({ facts, runLengths, axes }: FactorisedRows): string[] {
  const [factAxis, npiAxis] = [axes[3], axes[4]]
  const pairs: string[] = []
  for (let fact = 0; fact < facts; fact++) {
    for (let i = 0; i < (runLengths[fact] ?? 0); i++) {
      pairs.push(`${factAxis?.entries[fact]} ${npiAxis?.entries[pairs.length]}`)
    }
  }
  return pairs
}
