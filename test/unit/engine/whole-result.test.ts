import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'

/** Fails in the 2,000,000th row, long after the first ones have been handed over. */
const FAILS_LATE = "SELECT CASE WHEN i = 2000000 THEN error('no such row') ELSE i END AS i FROM range(3000000) t(i)"

describe('a streamed result', () => {
  let engine: Engine
  let scratch: string
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'etl3-whole-'))
    engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch })
  })
  afterAll(() => {
    engine.close()
    rmSync(scratch, { recursive: true })
  })

  const count = async (sql: string): Promise<number> => {
    let rows = 0
    for await (const piece of engine.columnPieces(sql)) rows += piece.length
    return rows
  }

  it('that fails on its way throws what the engine says, and is not taken for a shorter one', async () => {
    await expect(count(FAILS_LATE)).rejects.toThrow('no such row')
    expect(await count('SELECT i FROM range(5000) t(i)')).toBe(5000)
  })

  it('that is interrupted on its way throws', async () => {
    const interrupted = async (): Promise<void> => {
      for await (const _ of engine.columnPieces('SELECT i FROM range(30000000) t(i)')) engine.interrupt()
    }
    await expect(interrupted()).rejects.toThrow()
    expect(await engine.count('SELECT count(*) FROM range(3)')).toBe(3)
  })

  it('may be left before its end; the engine answers the next question', async () => {
    for await (const piece of engine.columnPieces('SELECT i FROM range(30000000) t(i)')) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    await engine.run('CREATE TABLE kept AS SELECT 1 AS a')
    expect(await count('SELECT a FROM kept')).toBe(1)
  })
})
