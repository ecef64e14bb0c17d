import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ObjectStore } from '../../src/lake/s3-store.js'
import type { ChangedGroup } from '../check-star/changed-group.js'
import { differenceOf, readStamps } from '../check-star/tree.js'
import { Home } from '../e2e/support/home.js'
import { demoStar, type StarOnDisk, withChangedGroup } from '../e2e/support/stars.js'
import { compareTable, filesUnder } from '../oracle/compare-table.js'
import { S3Home } from './support/s3-home.js'
import { CREDENTIAL_VARIABLES, type S3Server, settingsFor, startVersitygw } from './support/servers.js'

let server: S3Server
let star: StarOnDisk
let changed: StarOnDisk
let change: ChangedGroup
let inFolder: Home

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES)
  server = await startVersitygw()
  star = await demoStar(400)
  const made = await withChangedGroup(star)
  changed = made.star
  change = made.change
  inFolder = new Home(star.options)
  await inFolder.start().result()
}, 120_000)

afterAll(async () => {
  await inFolder[Symbol.asyncDispose]()
  await server.stop()
})

/** Puts a star into a bucket. @returns its address */
async function upload(from: StarOnDisk, bucket: string): Promise<string> {
  const store = new S3ObjectStore(`s3://${bucket}/input/star`, settingsFor(server.endpoint))
  for (const file of filesUnder(from.root)) {
    await store.put(relative(from.root, file), readFileSync(file), new AbortController().signal)
  }
  return store.uri
}

describe('a table in a bucket', () => {
  it('has the bytes of one in a folder; a second run writes nothing; a change rewrites only what changed', async () => {
    await using home = await S3Home.make(server, star.options)
    // The input as well: all of the star, with the files of facts by a pattern.
    const input = await upload(star, home.bucket)
    home.configure({ star: input, input: { tables: { fact_rate: `${input}/gold/fact_rate*.parquet` } } })
    const first = await home.start().result()
    expect(first).toMatchObject({ status: 'published', outputUri: `s3://${home.bucket}/lake/table` })
    expect(home.tree).toEqual(inFolder.tree)

    const stamps = readStamps(home.table)
    expect((await home.start().result()).status).toBe('unchanged')
    expect(readStamps(home.table)).toEqual(stamps)

    home.configure(changed.options)
    const second = await home.start().result()
    expect(second.partitions).toMatchObject({
      added: change.added.size,
      replaced: change.replaced.size,
      removed: change.removed.size,
    })
    const moved = differenceOf(stamps, readStamps(home.table))
    expect([...moved.added].sort()).toEqual([...change.added].sort())
    expect([...moved.changed].sort()).toEqual([...change.replaced].sort())
    expect([...moved.removed].sort()).toEqual([...change.removed].sort())
    const { problems } = await compareTable({ star: changed.tables, tableRoot: home.table, memoryLimitMb: 512 })
    expect(problems).toEqual([])
  })
})
