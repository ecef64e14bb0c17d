import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withFileLock } from '../../../src/runtime/file-lock.js'
import { identifyProcess } from '../../../src/runtime/process-identity.js'

describe('a file lock', () => {
  let folder = ''
  let lock = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'etl3-lock-'))
    lock = join(folder, 'sub', 'a.lock')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('lets one in at a time, and is gone afterwards, also after an error', async () => {
    let inside = 0
    let most = 0
    const visit = async (): Promise<void> => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setTimeout(resolve, 20))
      inside -= 1
    }
    await Promise.all([1, 2, 3].map(() => withFileLock(lock, 10_000, visit)))
    expect(most).toBe(1)
    await expect(withFileLock(lock, 1_000, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
    expect(readdirSync(join(folder, 'sub'))).toEqual([])
  })

  it('of a process that is gone is taken over', async () => {
    const gone = spawnSync(process.execPath, ['-e', ''])
    await withFileLock(lock, 1_000, async () => {})
    writeFileSync(lock, JSON.stringify({ pid: gone.pid, began: '1' }))
    expect(await withFileLock(lock, 1_000, async () => 'mine')).toBe('mine')
    expect(existsSync(lock)).toBe(false)
  })

  it('of a process that lives is respected, and named when the wait is over', async () => {
    await withFileLock(lock, 1_000, async () => {})
    writeFileSync(lock, JSON.stringify(identifyProcess(process.ppid)))
    await expect(withFileLock(lock, 200, async () => {})).rejects.toMatchObject({
      code: 'ETL3-RT-01',
      exitCode: 6,
      message: expect.stringContaining(String(process.ppid)),
    })
    expect(existsSync(lock)).toBe(true)
  })
})
