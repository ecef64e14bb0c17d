import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { withEngine } from '../../src/engine/engine.js'
import { folderError } from '../../src/lake/file-errors.js'
import { FolderStore } from '../../src/lake/folder/store.js'
import { readTree } from '../check-star/tree.js'
import { filesUnder } from '../oracle/compare-table.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { Lake } from './in-process-run.js'

/**
 * The disk of the records. From the place `from` on it is full: what is reserved for a run is all that is left of it, so
 * writes fail while the reserve is there, and `for good` they fail without it too.
 */
const disk = vi.hoisted(() => ({
  from: undefined as string | undefined,
  isFull: false,
  forGood: false,
  /** Room to publish, and not plenty of it. */
  freeBytes: 100_000_000,
  /** Undefined: as many as there are. */
  freeInodes: undefined as number | undefined,
  /** What is never written, by the end of its key. */
  refused: undefined as string | undefined,
}))

vi.mock('../../src/runtime/fail-point.js', () => ({
  failPoint: (name: string): void => {
    if (name === disk.from) disk.isFull = true
  },
}))

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  const statfsSync = (path: string): ReturnType<typeof real.statfsSync> => {
    const found = real.statfsSync(path)
    // A file system without a fixed number of inodes has 0 of them.
    const inodes = disk.freeInodes === undefined ? {} : { files: 1_000, ffree: disk.freeInodes }
    return Object.assign(found, { bavail: disk.freeBytes / found.bsize, ...inodes })
  }
  return { ...real, statfsSync }
})

let root: string
let lake: Lake
let undisturbed: Lake
const put = FolderStore.prototype.put

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-full-disk-'))
  for (const facts of [24, 48]) {
    await writeStar(starOf(facts), severalFilesStar(Array.from({ length: facts }, (_, i) => variedFact(i))))
  }
  lake = new Lake(join(root, 'lake'))
  undisturbed = new Lake(join(root, 'undisturbed'))
  configure(48, undisturbed)
  await undisturbed.run()
  configure(24)
  await lake.run('first')
  lake.keep()
  vi.spyOn(FolderStore.prototype, 'put').mockImplementation(async function (this: FolderStore, key, ...others) {
    const isRefused = disk.refused !== undefined && key.endsWith(disk.refused)
    if (isRefused || (disk.isFull && (disk.forGood || isReserved())))
      throw folderError(noSpace(), 'write', this.locate(key))
    return await put.call(this, key, ...others)
  })
}, 60_000)
beforeEach(() => lake.putBack())
afterEach(roomAgain)
afterAll(() => {
  vi.restoreAllMocks()
  rmSync(root, { recursive: true, force: true })
})

function roomAgain(): void {
  Object.assign(disk, {
    from: undefined,
    isFull: false,
    forGood: false,
    freeBytes: 100_000_000,
    freeInodes: undefined,
    refused: undefined,
  })
}

function starOf(facts: number): string {
  return join(root, `star-${facts}`)
}

function configure(facts: number, of = lake): void {
  of.configure({
    star: starOf(facts),
    analytics: { enabled: true, target_file_rows: 12 },
    partitionColumns: ['payer_slug', 'month'],
  })
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
}

function reserves(): string[] {
  return filesUnder(join(lake.metadata, 'runs')).filter((path) => path.endsWith('/reserve'))
}

function isReserved(): boolean {
  return existsSync(lake.metadata) && reserves().length > 0
}

/** What readers are led to in both tables. */
function published(): unknown {
  const metadata = [...readTree(lake.analytics)].filter(([path]) => path.startsWith('metadata/'))
  return [readTree(lake.table), metadata]
}

/** What somebody finds who asks the catalog: its own list of files, and their rows. */
async function rowsInCatalog({ metadata }: Lake): Promise<number> {
  return await withEngine(
    { memoryLimitMb: 64, threads: 1, scratch: root },
    new AbortController().signal,
    async (engine) => {
      await engine.run(`ATTACH '${join(metadata, 'catalog.duckdb')}' AS c (READ_ONLY)`)
      return await engine.count('SELECT sum(rows)::BIGINT FROM c.etl3.partitions')
    },
  )
}

/** The table and its catalog are those of a run that nothing disturbed. */
async function expectNewTable(): Promise<void> {
  expect(readTree(lake.table)).toEqual(readTree(undisturbed.table))
  expect(await rowsInCatalog(lake)).toBe(await rowsInCatalog(undisturbed))
}

describe('a disk that fills while a run publishes', () => {
  it.each(['analytics:before-commit', 'publish:partition', 'register:before', 'report:before-current'])(
    'from %s on leaves the run what it has reserved, and it ends with the new table',
    async (place) => {
      configure(48)
      disk.from = place
      await expect(lake.run('second')).resolves.toMatchObject({ status: 'published' })
      expect(disk.isFull).toBe(true)
      expect(reserves()).toEqual([])
      await expectNewTable()
    },
  )

  it.each([
    ['publishPartitions', 'at least 0 of 6'],
    ['registerTables', 'all 6'],
  ])('for good before %s ends it with what readers find now, and the next run mends it', async (step, inPlace) => {
    configure(48)
    const run = await lake.open('second')
    const going = async (): Promise<void> => {
      for await (const name of run.steps()) if (name === step) Object.assign(disk, { isFull: true, forGood: true })
    }
    await expect(going()).rejects.toThrow(
      expect.objectContaining({
        code: 'ETL3-DK-01',
        exitCode: 7,
        message: expect.stringMatching(
          new RegExp(
            `^no free disk: cannot write ".*the table may be mixed: ${inPlace} .* neither the old nor the new table$`,
          ),
        ),
        hint: expect.stringContaining('Start the run again'),
      }),
    )
    roomAgain()
    await expect(lake.run('second')).resolves.toMatchObject({ status: 'published' })
    await expectNewTable()
  })
})

describe('a disk that has no room for what is planned', () => {
  it.each([
    [
      'bytes',
      { freeBytes: 20_000 },
      /^20(?:\.0)? KB are free at .*, and about \d+(?:\.\d)? KB are to be written; nothing/,
    ],
    [
      'inodes',
      { freeInodes: 3 },
      /takes 3 more files, and \d+ files and folders at least are to be made \(df -i\); nothing/,
    ],
  ])('ends the run before it writes a partition: %s', async (_, full, figures) => {
    configure(48)
    const before = published()
    const run = await lake.open('second')
    const going = async (): Promise<void> => {
      for await (const step of run.steps()) if (step === 'planPartitions') Object.assign(disk, full)
    }
    await expect(going()).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-DK-01', exitCode: 7, message: expect.stringMatching(figures) }),
    )
    expect(published()).toEqual(before)
    expect(filesUnder(join(lake.metadata, 'runs')).filter((path) => path.includes('/objects/'))).toEqual([])
    roomAgain()
    await expect(lake.run('second')).resolves.toMatchObject({ status: 'published' })
    await expectNewTable()
  })

  it('does not stop a run that has begun to write', async () => {
    configure(48)
    const run = await lake.open('second')
    for await (const step of run.steps()) if (step === 'auditObjects') break
    disk.freeInodes = 3
    await expect(lake.run('second')).resolves.toMatchObject({ status: 'published' })
    await expectNewTable()
  })
})

describe('a disk that has no room for a publication', () => {
  it.each([
    ['is looked at', { freeBytes: 100_000 }, /100(?:\.0)? KB are free, 4\.\d MB are needed/],
    ['says so while its room is reserved', { refused: '/reserve' }, /4\.\d MB more could not be written/],
  ])('%s before anything is published', async (_, full, figures) => {
    configure(48)
    const before = published()
    const run = await lake.open('second')
    const going = async (): Promise<void> => {
      for await (const step of run.steps()) if (step === 'balanceLedger') Object.assign(disk, full)
    }
    await expect(going()).rejects.toThrow(
      expect.objectContaining({
        code: 'ETL3-DK-01',
        message: expect.stringMatching(figures),
        hint: expect.stringContaining('Free some space'),
      }),
    )
    roomAgain()
    expect(published()).toEqual(before)
    await expect(lake.run('second')).resolves.toMatchObject({ status: 'published' })
    await expectNewTable()
  })
})

it('a disk with plenty of room has nothing reserved on it', async () => {
  for (const [freeBytes, due] of [
    [100_000_000, 1],
    [1_000_000_000_000, 0],
  ] as const) {
    lake.putBack()
    configure(48)
    disk.freeBytes = freeBytes
    const run = await lake.open('second')
    let found: number | undefined
    for await (const step of run.steps()) if (step === 'commitAnalytics') found = reserves().length
    expect(found).toBe(due)
  }
})
