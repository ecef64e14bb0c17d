import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareTable } from '../oracle/compare-table.js'
import { DEFAULT_OPTIONS, tablesUnder } from '../oracle/oracle-table.js'
import { digitStar, oddlyWritten } from '../stars/odd-writing.js'
import { randomStar } from '../stars/random-star.js'
import { type Star, writeStar } from '../stars/star.js'
import { runInProcess } from './run-in-process.js'

let root: string
let run = 0

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-odd-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Differences between the table of the star as it is written oddly, and a join of the same star in plain text. */
async function problemsOf(plain: Star, odd: Star): Promise<readonly string[]> {
  const folder = join(root, String(run++))
  await writeStar(join(folder, 'plain'), plain)
  await writeStar(join(folder, 'odd'), odd)
  const partitionColumns = DEFAULT_OPTIONS.partitionColumns
  const table = join(folder, 'table')
  await runInProcess({ star: join(folder, 'odd'), partitionColumns, out: table, scratch: join(folder, 'scratch') })
  const tables = tablesUnder(join(folder, 'plain'))
  const benchmark = plain['bench_medicare_professional'] ? tables['bench_medicare_professional'] : undefined
  const { problems } = await compareTable({
    star: { ...tables, bench_medicare_professional: benchmark },
    tableRoot: table,
    partitionColumns,
  })
  return problems
}

const stars: fc.Arbitrary<readonly [Star, Star]> = fc
  .oneof(fc.constant(digitStar()), randomStar({ maxFacts: 12 }))
  .chain((plain) => oddlyWritten(plain).map((odd) => [plain, odd] as const))

describe('however other tools write a star', () => {
  it('its table is that of the same star in plain text', async () => {
    await fc.assert(
      fc.asyncProperty(stars, async ([plain, odd]) => {
        expect(await problemsOf(plain, odd)).toEqual([])
      }),
      { numRuns: 24 },
    )
  }, 300_000)
})
