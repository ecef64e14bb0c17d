import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withEngine } from '../../../src/engine/engine.js'
import { type SliceParts, sliceIdSql, sliceParts, slicePartsSql } from '../../../src/star/slice-id.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

const radix = fc.record({ codes: fc.integer({ min: 1, max: 5000 }), groups: fc.integer({ min: 1, max: 40 }) })

/** Digits below their radix; the highest one as high as an INTEGER has room for. */
const numbered = radix.chain((of) =>
  fc.record({
    radix: fc.constant(of),
    parts: fc.record({
      attr: fc.integer({ min: 0, max: Math.floor(2 ** 31 / (of.codes * of.groups)) - 1 }),
      code: fc.integer({ min: 0, max: of.codes - 1 }),
      group: fc.integer({ min: 0, max: of.groups - 1 }),
    }),
  }),
)

describe('a slice id', () => {
  it('gives back the parts that made it, in SQL and in JavaScript', async () => {
    await withEngine({ memoryLimitMb: 64, threads: 1, scratch: lakeFolder() }, GO_ON, async (engine) => {
      await fc.assert(
        fc.asyncProperty(numbered, async ({ radix, parts }) => {
          const literals: SliceParts<string> = {
            attr: String(parts.attr),
            code: String(parts.code),
            group: String(parts.group),
          }
          const inSql = slicePartsSql('slice', radix)
          const row = await engine.row(
            `SELECT slice, ${inSql.attr} AS attr, ${inSql.code} AS code, ${inSql.group} AS "group" FROM (SELECT ${sliceIdSql(literals, radix)} AS slice)`,
          )
          const { slice, ...found } = row
          expect(found).toEqual(parts)
          expect(sliceParts(Number(slice), radix)).toEqual(parts)
        }),
        { numRuns: 200 },
      )
    })
  })

  it('counts through groups first, then codes, then attributes: neighbours of one code lie together', () => {
    const all = Array.from({ length: 12 }, (_, slice) => sliceParts(slice, { codes: 3, groups: 2 }))
    expect(all.map(({ attr, code, group }) => `${attr}${code}${group}`)).toEqual(
      '000 001 010 011 020 021 100 101 110 111 120 121'.split(' '),
    )
  })
})
