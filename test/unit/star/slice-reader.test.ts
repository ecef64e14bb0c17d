/** Facts of a slice in pieces: where a piece ends must not depend on facts of others. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { readParquet } from '../../../src/engine/parquet-scan.js'
import { type FactWindow, loadQuarantined, readFacts } from '../../../src/star/fact-window.js'
import { piecesOf } from '../../../src/star/slice-reader.js'
import { loadStagedStar } from '../../../src/star/staged-star.js'
import { goodFact, goodStar } from '../../stars/good-star.js'
import { withJudged } from '../quality/judged-star.js'

/** Each fact as text: its numbers and its identity. */
function factsOf({ facts, slice, code, group, attr, rate, uid }: FactWindow): string[] {
  return Array.from({ length: facts }, (_, i) => {
    const identity = Buffer.from(uid.data.subarray(uid.offsets[i]! + 4, uid.offsets[i + 1])).toString()
    return [slice[i], code[i], group[i], attr[i], rate[i], identity].join()
  })
}

it('every piece but the last has as many facts as were asked for, and together they are all that count', async () => {
  const star = goodStar({ 'gold/fact_rate': Array.from({ length: 900 }, (_, i) => goodFact(i)) })
  await withJudged(star, {}, async ({ staged, root }) => {
    const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: root })
    try {
      const facts = await engine.count(`SELECT count(*) FROM ${readParquet([staged.facts])}`)
      const groups = await engine.count(`SELECT count(*) FROM ${readParquet([staged.groups])}`)
      const nothing = await loadQuarantined(engine, staged)
      const star = await loadStagedStar(engine, staged)
      const whole = await readFacts(engine, staged, { from: 0, to: facts }, { quarantined: nothing })
      expect(whole.to).toBe(facts)
      const all = factsOf(whole.window)
      expect(new Set(all).size).toBe(900)
      const sampled = fc.record({
        from: fc.nat(facts - 1),
        most: fc.integer({ min: 1, max: 400 }),
        rowsAtOnce: fc.integer({ min: 40, max: 1000 }),
        setAside: fc.uint8Array({ minLength: nothing.length, maxLength: nothing.length }),
        keep: fc.array(fc.boolean(), { minLength: groups, maxLength: groups }),
      })
      await fc.assert(
        fc.asyncProperty(sampled, async ({ from, most, rowsAtOnce, setAside, keep }) => {
          const filter = { quarantined: setAside, keep: Uint8Array.from(keep, Number) }
          const due = all.filter(
            (_, row) =>
              row >= from && (setAside[row >> 3]! & (1 << (row & 7))) === 0 && keep[whole.window.group[row]!] === true,
          )
          const { window } = await readFacts(engine, staged, { from, to: facts }, filter, rowsAtOnce)
          expect(factsOf(window)).toEqual(due)
          const pieces: string[][] = []
          for await (const { window } of piecesOf(engine, star, { from, to: facts }, filter, most)) {
            pieces.push(factsOf(window))
          }
          expect(pieces.flat()).toEqual(due)
          expect(pieces.slice(0, -1).every((piece) => piece.length === most)).toBe(true)
        }),
        { numRuns: 60 },
      )
    } finally {
      engine.close()
    }
  })
})
