import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BROKEN_STARS } from '../stars/broken-stars.js'
import { writeStar } from '../stars/star.js'
import { tinyStar } from '../stars/tiny-star.js'
import { Home } from './support/home.js'

let published: Home

beforeAll(async () => {
  published = await homeOver(async (root) => await writeStar(root, tinyStar()))
  expect((await published.start().result()).status).toBe('published')
})

afterAll(async () => {
  await published[Symbol.asyncDispose]()
})

async function homeOver(write: (root: string) => Promise<void>): Promise<Home> {
  const home = new Home({ star: 'star' })
  await write(join(home.root, 'star'))
  return home
}

describe('bad input is refused', () => {
  for (const { what, exitCode, mentions, quarantined, write } of BROKEN_STARS) {
    if (exitCode === 0) {
      it.concurrent(`takes ${what}`, async () => {
        await using home = await homeOver(write)
        const result = await home.start().result()
        expect(result).toMatchObject({ status: 'published', quarantined })
      })
      continue
    }

    it.concurrent(`${what}: exit ${exitCode}, a message that names it, a way out, and the table stays as it was`, async () => {
      await using home = published.copy({ star: 'star' })
      await write(join(home.root, 'star'))
      const before = home.stamps
      const { message, hint, code } = await home.start().failure(exitCode)
      for (const words of mentions) expect(message).toContain(words)
      expect(hint).toMatch(/\w/)
      expect(code).toMatch(/^ETL3-[A-Z]{2}-\d\d$/)
      expect(home.stamps).toEqual(before)
    })
  }

  it.concurrent('and nothing is written where no table was', async () => {
    const first = BROKEN_STARS.find(({ foundBy }) => foundBy === 'plan')
    if (!first) throw new Error('no star is refused by the plan')
    await using home = await homeOver(first.write)
    await home.start().failure(first.exitCode)
    expect(home.tree.size).toBe(0)
    expect(existsSync(join(home.metadata, 'current.json'))).toBe(false)
    expect(existsSync(join(home.metadata, 'catalog.duckdb'))).toBe(false)
  })

  it.concurrent('an unknown key of the configuration: exit 2, and nothing is started', async () => {
    await using home = await homeOver(async (root) => await writeStar(root, tinyStar()))
    home.configure({ star: 'star', processing: { chunk_sise: 5 } })
    const { message } = await home.start().failure(2)
    expect(message).toContain('chunk_sise')
    expect(existsSync(home.folder)).toBe(false)
  })

  it.concurrent('an object under the table that no run wrote: exit 6, and it is named', async () => {
    await using home = published.copy({ star: 'star' })
    const stranger = 'payer_slug=somebody/else.parquet'
    await writeStar(join(home.table, 'payer_slug=somebody'), { else: { columns: { a: 'INTEGER' }, rows: [{ a: 1 }] } })
    await writeStar(join(home.root, 'star'), tinyStar())
    home.configure({ star: 'star', data_quality: { rules: { rate_range: { max: 500 } } } })
    const before = home.tree
    const { message, kind } = await home.start().failure(6)
    expect(kind).toBe('ConflictError')
    expect(message).toContain(stranger)
    expect(home.tree).toEqual(before)
  })

  it.concurrent('an input that changes while the run goes on: exit 2, and the table stays as it was', async () => {
    await using home = published.copy({ star: 'star' })
    const root = join(home.root, 'star')
    await writeStar(root, tinyStar())
    home.configure({ star: 'star', data_quality: { rules: { rate_range: { max: 500 } } } })
    const before = home.stamps
    const place = 'activity:stageDimensions:start'
    const command = home.start({ ETL3_FAILPOINT: place, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped(place)
    await writeStar(root, tinyStar())
    process.kill(worker.pid, 'SIGCONT')
    const { message, code } = await command.failure(2)
    expect(code).toBe('ETL3-IN-02')
    expect(message).toContain(root)
    expect(home.stamps).toEqual(before)
  })

  it.concurrent('no Temporal server at a configured address: exit 5 within its time-out', async () => {
    await using home = await homeOver(async (root) => await writeStar(root, tinyStar()))
    home.configure({ star: 'star', temporal: { address: '127.0.0.1:1', connect_timeout_ms: 500 } })
    const { message } = await home.start().failure(5)
    expect(message).toContain('127.0.0.1:1')
  })
})
