import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChangedGroup } from '../check-star/changed-group.js'
import { differenceOf, readStamps } from '../check-star/tree.js'
import { compareTable } from '../oracle/compare-table.js'
import { catalogOf } from './support/catalog.js'
import { Home } from './support/home.js'
import { demoStar, type StarOnDisk, withChangedGroup } from './support/stars.js'

let star: StarOnDisk
let changed: StarOnDisk
let change: ChangedGroup
let published: Home

beforeAll(async () => {
  star = await demoStar(400)
  const made = await withChangedGroup(star)
  changed = made.star
  change = made.change
  published = new Home(star.options)
  await published.start().result()
})

afterAll(async () => {
  await published[Symbol.asyncDispose]()
})

describe('the same input gives the same bytes under the same keys', () => {
  it.concurrent('a second run says unchanged and writes nothing', async () => {
    await using home = new Home(star.options)
    await home.start().result()
    const before = home.stamps
    const result = await home.start().result()
    expect(result).toMatchObject({ status: 'unchanged', partitions: { added: 0, replaced: 0, removed: 0 } })
    expect(home.stamps).toEqual(before)
    expect(home.tree).toEqual(published.tree)
  })

  it.concurrent('a run after a change rewrites only the partitions that changed, and going back gives the first bytes', async () => {
    await using home = published.copy(changed.options)
    const before = readStamps(home.table)
    const firstCatalog = await catalogOf(home)
    const there = await home.start().result()
    const moved = differenceOf(before, readStamps(home.table))
    expect([...moved.added].sort()).toEqual([...change.added].sort())
    expect([...moved.changed].sort()).toEqual([...change.replaced].sort())
    expect([...moved.removed].sort()).toEqual([...change.removed].sort())
    expect(there.partitions).toEqual({
      total: change.partitions,
      added: change.added.size,
      replaced: change.replaced.size,
      removed: change.removed.size,
      kept: change.partitions - change.added.size - change.replaced.size,
    })
    for (const path of change.removed) expect(existsSync(join(home.table, path))).toBe(false)
    const { problems } = await compareTable({ star: changed.tables, tableRoot: home.table, memoryLimitMb: 512 })
    expect(problems).toEqual([])
    const catalog = await catalogOf(home)
    expect(catalog.partitions).toHaveLength(change.partitions)
    expect(Number(catalog.rowsOfView)).toBe(change.rows)

    home.configure(star.options)
    const back = await home.start().result()
    expect(back.partitions).toMatchObject({ added: change.removed.size, removed: change.added.size })
    expect(home.tree).toEqual(published.tree)
    expect((await catalogOf(home)).partitions).toEqual(firstCatalog.partitions)
    const runIds = [there.runId, back.runId]
    expect(new Set([...runIds, ...home.runIds]).size).toBe(3)
  })

  const DAMAGES: readonly (readonly [string, (file: string) => void])[] = [
    ['is missing', (file) => rmSync(file)],
    ['has lost its end', (file) => writeFileSync(file, readFileSync(file).subarray(0, 200))],
    [
      'has other bytes of the same length',
      (file) => {
        const bytes = readFileSync(file)
        const middle = Math.floor(bytes.length / 2)
        bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle)
        writeFileSync(file, bytes)
      },
    ],
  ]
  for (const [what, damage] of DAMAGES) {
    it.concurrent(`an object that ${what} is noticed and mended by the next run`, async () => {
      await using home = published.copy(star.options)
      const [path] = home.tree.keys()
      if (path === undefined) throw new Error('the table is empty')
      const before = readStamps(home.table)
      damage(join(home.table, path))
      expect((await home.start().result()).status).toBe('published')
      expect(home.tree).toEqual(published.tree)
      const { added, changed: again, removed } = differenceOf(before, readStamps(home.table))
      expect([...added, ...again, ...removed]).toEqual([path])
    })
  }

  it.concurrent('a lake that was moved, with other times and inodes, keeps its partitions; then it is unchanged', async () => {
    await using home = published.copy(star.options)
    for (const path of home.tree.keys()) utimesSync(join(home.table, path), 1_000_000_000, 1_000_000_000)
    const before = readStamps(home.table)
    // Iceberg's metadata holds full addresses: only the files of the analytics table are written again.
    const { status, partitions, analytics } = await home.start().result()
    expect(status).toBe('published')
    expect(partitions.kept).toBe(partitions.total)
    expect(analytics?.committed?.bytes).toBeGreaterThan(0)
    expect((await home.start().result()).status).toBe('unchanged')
    expect(readStamps(home.table)).toEqual(before)
    expect(home.tree).toEqual(published.tree)
  })

  it.concurrent('a catalog that is missing is made again from the same table', async () => {
    await using home = published.copy(star.options)
    const before = readStamps(home.table)
    rmSync(join(home.metadata, 'catalog.duckdb'))
    await home.start().result()
    expect(statSync(join(home.metadata, 'catalog.duckdb')).size).toBeGreaterThan(0)
    expect((await catalogOf(home)).partitions).toEqual((await catalogOf(published)).partitions)
    expect(readStamps(home.table)).toEqual(before)
  })
})
