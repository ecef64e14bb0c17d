import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { Engine } from '../../../src/engine/engine.js'
import { vacuum } from '../../../src/history/vacuum.js'
import { makeScratchFolder, withScratchFolder } from '../../../src/runtime/scratch-folder.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

const LONG_AGO = new Date(Date.now() - 3 * 24 * 60 * 60 * 1000)

describe('a scratch folder', () => {
  it('is there for the work, below a parent that need not exist, and gone after it', async () => {
    const parent = join(lakeFolder(), 'scratch', 'run')
    const seen = await withScratchFolder(parent, 'plan', async (folder) => {
      writeFileSync(join(folder, 'plan.parquet'), 'x')
      return readdirSync(parent)
    })
    expect(seen).toEqual([expect.stringMatching(/^plan-/)])
    expect(readdirSync(parent)).toEqual([])
  })

  it('is its owner’s alone, and so is what is made above it; the group’s too where the umask lets the group write', () => {
    const before = process.umask()
    onTestFinished(() => void process.umask(before))
    const modes = (umask: number): string[] => {
      process.umask(umask)
      const parent = join(lakeFolder(), '.etl3', 'scratch')
      const made = [makeScratchFolder(parent, 'plan'), parent, join(parent, '..')]
      return made.map((path) => (statSync(path).mode & 0o777).toString(8))
    }
    expect(modes(0o022)).toEqual(['700', '700', '700'])
    expect(modes(0o002)).toEqual(['700', '770', '770'])
  })

  it('is gone after work that throws, with all that lay in it', async () => {
    const parent = lakeFolder()
    const work = withScratchFolder(parent, 'facts', async (folder) => {
      mkdirSync(join(folder, 'parts'))
      writeFileSync(join(folder, 'parts', '0.parquet'), 'x')
      throw new Error('no room')
    })
    await expect(work).rejects.toThrow('no room')
    expect(readdirSync(parent)).toEqual([])
  })

  it('is never that of another attempt at the same work', async () => {
    const parent = lakeFolder()
    await withScratchFolder(parent, 'facts', async (first) => {
      await withScratchFolder(parent, 'facts', async (second) => {
        expect(second).not.toBe(first)
      })
      expect(existsSync(first)).toBe(true)
    })
  })

  it('of an engine that cannot open is gone', async () => {
    const scratch = lakeFolder()
    await expect(Engine.open({ memoryLimitMb: 64, threads: -1, scratch })).rejects.toThrow(/config/)
    expect(readdirSync(scratch)).toEqual([])
  })

  it('that a killed process left is found by a vacuum once it is old, and a stranger’s beside it is not', async () => {
    const { config: builtIn } = loadConfig({ env: {} })
    const root = lakeFolder()
    const scratch = join(root, 'scratch')
    const output = { ...builtIn.output, uri: join(root, 'table'), metadata_uri: join(root, 'etl3') }
    const config = { ...builtIn, output, processing: { ...builtIn.processing, scratch } }
    const left = (['memory-test', 'query', 'spill'] as const).map((work) => makeScratchFolder(scratch, work))
    const letters = join(scratch, 'letters-1')
    mkdirSync(letters)
    for (const folder of [...left, letters]) utimesSync(folder, LONG_AGO, LONG_AGO)
    makeScratchFolder(scratch, 'memory-test')
    const { items } = await vacuum({ config, delete: false, olderThanHours: 24, signal: GO_ON })
    expect(items.map(({ what }) => what).sort()).toEqual(left.sort())
  })
})
