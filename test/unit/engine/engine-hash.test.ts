import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { EngineHash } from '../../../src/engine/engine-hash.js'
import { sqlString } from '../../../src/engine/sql.js'

describe("the engine's hash, computed in JavaScript", () => {
  let engine: Engine
  let scratch: string
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'etl3-hash-'))
    engine = await Engine.open({ memoryLimitMb: 64, threads: 1, scratch })
  })
  afterAll(() => {
    engine.close()
    rmSync(scratch, { recursive: true })
  })

  const asked = async (expressions: readonly string[]): Promise<string[]> => {
    const row = await engine.row(`SELECT ${expressions.map((e, i) => `hash(${e})::VARCHAR AS h${i}`).join(', ')}`)
    return Object.values(row).map(String)
  }
  const shown = ({ low, high }: EngineHash): string => ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString()
  const ofText = (text: string | null): EngineHash => {
    if (text === null) return new EngineHash().ofNull()
    const bytes = Buffer.from(`before${text}after`)
    return new EngineHash().ofBytes(bytes, 6, bytes.length - 5)
  }
  const textSql = (text: string | null): string => (text === null ? 'NULL::VARCHAR' : sqlString(text))
  // A statement cannot hold U+0000.
  const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((t) => !t.includes('\0'))

  it('is that of every text, whatever its length and its characters', async () => {
    const lengths = Array.from({ length: 33 }, (_, length) => 'abcdefghij'.repeat(4).slice(0, length))
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 50, maxLength: 50 }), async (texts) => {
        expect(texts.map((t) => shown(ofText(t)))).toEqual(await asked(texts.map(textSql)))
      }),
      { numRuns: 20, examples: [[lengths]] },
    )
  })

  it('is that of every number: zeros are one, and so are all NaN', async () => {
    const numbers = [0, -0, 1, -1, NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE, 123.45]
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double(), { minLength: 50, maxLength: 50 }), async (values) => {
        const sql = values.map((value) => `'${Object.is(value, -0) ? '-0.0' : value}'::DOUBLE`)
        expect(values.map((value) => shown(new EngineHash().ofDouble(value)))).toEqual(await asked(sql))
      }),
      { numRuns: 20, examples: [[numbers]] },
    )
  })

  it('is that of truth values, of NULL and of other hashes', async () => {
    const due = await asked(['true', 'false', 'NULL::DOUBLE', 'NULL::VARCHAR[]', "hash('a')"])
    const a = ofText('a')
    const found = [
      new EngineHash().ofBoolean(true),
      new EngineHash().ofBoolean(false),
      new EngineHash().ofNull(),
      new EngineHash().ofNull(),
      new EngineHash().ofHalves(a.low, a.high),
    ]
    expect(found.map(shown)).toEqual(due)
  })

  it('is that of several arguments, and of the items of a list', async () => {
    const folded = (texts: readonly (string | null)[]): EngineHash => {
      const [first = null, ...others] = texts
      const hash = ofText(first)
      for (const other of others.map(ofText)) hash.combine(other.low, other.high)
      return hash
    }
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text), { minLength: 1, maxLength: 8 }), async (texts) => {
        const sql = texts.map(textSql).join(', ')
        expect([shown(folded(texts)), shown(folded(texts))]).toEqual(await asked([sql, `[${sql}]`]))
      }),
      { numRuns: 50 },
    )
    expect([shown(folded([]))]).toEqual(await asked(['[]::VARCHAR[]']))
    // Behind another argument a list is folded item by item into what came before, and one without items is nothing.
    const lists = ["'x', ['a', NULL, 'b']", "'x', []::VARCHAR[]", "'x', NULL::VARCHAR[]"]
    expect([['x', 'a', null, 'b'], ['x'], ['x']].map((texts) => shown(folded(texts)))).toEqual(await asked(lists))
  })
})
