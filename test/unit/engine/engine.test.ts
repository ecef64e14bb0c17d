import { describe, expect, it } from 'vitest'
import { type Engine, withEngine } from '../../../src/engine/engine.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

async function inEngine<T>(act: (engine: Engine) => Promise<T>): Promise<T> {
  return await withEngine({ memoryLimitMb: 64, threads: 1, scratch: lakeFolder() }, GO_ON, act)
}

describe('a result that is streamed', () => {
  const numbers = 'SELECT i::INTEGER FROM range(10000) r (i)'

  it('comes whole and in its order, however long the caller takes for a chunk', async () => {
    const seen = await inEngine(async (engine) => {
      const seen: number[] = []
      for await (const chunk of engine.chunks(numbers)) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        seen.push(...chunk.int32(0))
      }
      return seen
    })
    expect(seen).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  })

  it('leaves the engine ready for the next statement when the caller stops early', async () => {
    const found = await inEngine(async (engine) => {
      for await (const chunk of engine.chunks(numbers)) if (chunk.int32(0)[0] === 0) break
      for await (const piece of engine.columnPieces(numbers)) if (piece[0] === 0) break
      return await engine.count('SELECT 42')
    })
    expect(found).toBe(42)
  })

  it('fails for the caller where it fails in the middle', async () => {
    let rows = 0
    const reading = inEngine(async (engine) => {
      const failing = "SELECT CASE WHEN i < 9000 THEN i ELSE error('row ' || i) END::INTEGER FROM range(10000) r (i)"
      for await (const chunk of engine.chunks(failing)) rows += chunk.rows
    })
    await expect(reading).rejects.toThrow('row 9000')
    expect(rows).toBeLessThanOrEqual(9_000)
  })
})

describe('a second connection beside an engine', () => {
  it('works while a statement of the first one runs, within the same memory, and keeps its tables for itself', async () => {
    await inEngine(async (engine) => {
      await engine.run('CREATE TABLE shared AS SELECT 7 AS n; CREATE TEMP TABLE own AS SELECT 1 AS n')
      let ended = false
      const long = engine.count('SELECT count(*) FROM range(400000000) r (i) WHERE i % 7 = 3').finally(() => {
        ended = true
      })
      const beside = await engine.beside(GO_ON, async (second) => {
        await second.run('CREATE TEMP TABLE own AS SELECT 2 AS n')
        const limit = await second.row("SELECT current_setting('memory_limit') AS mb")
        return {
          shared: await second.count('SELECT n FROM shared'),
          own: await second.count('SELECT n FROM own'),
          limit,
        }
      })
      expect(ended).toBe(false)
      expect(beside).toEqual({ shared: 7, own: 2, limit: { mb: '64.0 MiB' } })
      await long
      expect(await engine.count('SELECT n FROM own')).toBe(1)
    })
  })

  it('is stopped by a signal of its own, and the first one goes on', async () => {
    await inEngine(async (engine) => {
      const stop = new AbortController()
      const endless = engine.beside(stop.signal, (second) =>
        second.count('SELECT count(*) FROM range(100000000000) r (i)'),
      )
      setTimeout(() => stop.abort(new Error('stopped')), 50)
      await expect(endless).rejects.toThrow('stopped')
      expect(await engine.count('SELECT 42')).toBe(42)
    })
  })

  it('leaves joins as they are written until the last statement that asks for it has ended', async () => {
    await inEngine(async (engine) => {
      const setting = async (): Promise<unknown> =>
        Object.values(await engine.row("SELECT current_setting('disabled_optimizers')"))[0]
      const usual = await setting()
      const long = engine.beside(GO_ON, (second) =>
        second.runAsWritten('CREATE TABLE a AS SELECT count(*) FROM range(300000000) r (i) WHERE i % 7 = 3'),
      )
      await engine.runAsWritten('CREATE TABLE b AS SELECT 1 AS n')
      expect(await setting()).toContain('join_order')
      await long
      expect(await setting()).toBe(usual)
    })
  })
})

describe('an engine that gives up', () => {
  const much = 'SELECT count(*) FROM (SELECT i, md5(i::VARCHAR) AS t FROM range(2000000) r (i) ORDER BY t)'

  it('for want of room to spill to names the disk, and not the memory that this fills', async () => {
    const spilling = inEngine(async (engine) => {
      await engine.run("SET max_temp_directory_size = '1MB'")
      await engine.run(much)
    })
    await expect(spilling).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-DK-02', exitCode: 7, message: expect.stringContaining('spill files') }),
    )
  })

  it('because another disk is full names the file on it, and not scratch', async () => {
    const writing = inEngine((engine) => engine.run("COPY (SELECT * FROM range(100000)) TO '/dev/full' (FORMAT csv)"))
    await expect(writing).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-DK-01', message: expect.stringMatching(/^(?!.*spill).*"\/dev\/full"/) }),
    )
  })

  it('for want of its share says so', async () => {
    const gathering = inEngine((engine) => engine.run('SELECT list(md5(i::VARCHAR)) FROM range(3000000) r (i)'))
    await expect(gathering).rejects.toThrow(expect.objectContaining({ code: 'ETL3-ME-02', exitCode: 7 }))
  })
})
