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
