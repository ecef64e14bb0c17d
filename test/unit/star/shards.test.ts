import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Engine, withEngine } from '../../../src/engine/engine.js'
import { writeShards } from '../../../src/star/shards.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

async function inEngine<T>(memoryLimitMb: number, act: (engine: Engine, folder: string) => Promise<T>): Promise<T> {
  const scratch = lakeFolder()
  return await withEngine({ memoryLimitMb, threads: 1, scratch }, GO_ON, (engine) =>
    act(engine, join(scratch, 'not there', "it's a folder")),
  )
}

const ODD = `SELECT * FROM (VALUES ('a', 1.5, NULL), ('b', '-0'::DOUBLE, 'x'), (NULL, 'nan'::DOUBLE, ''), ('a', NULL, 'y'))
  t (key, rate, word)`

it('each row is in one shard, as it was, and a shard without rows is none', async () => {
  await inEngine(64, async (engine, folder) => {
    const shards = 50
    const of = await writeShards(engine, { select: ODD, columns: ['key'], shards, folder })
    const all = Array.from({ length: shards }, (_, shard) => of(shard)).filter((rows) => rows !== undefined)
    // Three keys, NULL among them.
    expect(all.length).toBeLessThanOrEqual(3)
    const text = `key, rate::VARCHAR AS rate, word`
    expect(
      await engine.rows(`SELECT ${text} FROM (${all.map((rows) => `FROM ${rows}`).join(' UNION ALL ')}) ORDER BY ALL`),
    ).toEqual(await engine.rows(`SELECT ${text} FROM (${ODD}) ORDER BY ALL`))
    const [withA, ...others] = await Promise.all(
      all.map(async (rows) => await engine.count(`SELECT count(*) FROM ${rows} WHERE key = 'a'`)),
    ).then((counts) => counts.toSorted((a, b) => b - a))
    expect([withA, ...others.map((n) => n === 0)]).toEqual([2, ...others.map(() => true)])
  })
})

it('rows of which a sort fails in a small share of the memory are written in it', async () => {
  await inEngine(72, async (engine, folder) => {
    const text = (i: number): string => `repeat(md5((i * ${i})::VARCHAR), 8) AS t${i}`
    const select = `SELECT i, ${[1, 2, 3].map(text).join(', ')} FROM range(150000) r (i)`
    const sorting = engine.run(`CREATE TABLE sorted AS SELECT *, hash(i) % 5 AS shard FROM (${select}) ORDER BY shard`)
    await expect(sorting).rejects.toMatchObject({ code: 'ETL3-ME-02' })
    const of = await writeShards(engine, { select, columns: ['i'], shards: 5, folder })
    let rows = 0
    for (let shard = 0; shard < 5; shard++) rows += await engine.count(`SELECT count(*) FROM ${of(shard)}`)
    expect(rows).toBe(150_000)
  })
})
