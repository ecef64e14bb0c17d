import { statfsSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { folderError } from '../../../src/lake/file-errors.js'
import { fileSystemError } from '../../../src/runtime/file-system-error.js'

/** What the disk below /lake has. */
const disk = vi.hoisted(() => ({ files: 5, ffree: 0, bavail: 1000, bsize: 4096 }))

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  statfsSync: () => disk,
}))

const refusal = (code: string): Error =>
  Object.assign(new Error(`${code}: refused`), { code, syscall: 'mkdir', path: '/lake/x' })

describe('a disk that takes no more', () => {
  it.each([
    ['has bytes and no inodes', { files: 5, ffree: 0, bavail: 1000 }, 'ENOSPC', 'no free inodes', 'df -i'],
    ['has neither', { files: 5, ffree: 0, bavail: 0 }, 'ENOSPC', 'no free disk', 'Free some space'],
    ['has inodes and no bytes', { files: 5, ffree: 3, bavail: 0 }, 'ENOSPC', 'no free disk', 'Free some space'],
    ['counts no inodes', { files: 0, ffree: 0, bavail: 1000 }, 'ENOSPC', 'no free disk', 'Free some space'],
    ['is full for this user', { files: 5, ffree: 3, bavail: 1000 }, 'EDQUOT', 'quota', 'raise the quota'],
    ['takes no larger file', { files: 5, ffree: 3, bavail: 1000 }, 'EFBIG', 'larger than', 'ulimit -f'],
  ])('because it %s is told by what it lacks', (_, figures, code, lack, remedy) => {
    Object.assign(disk, figures)
    expect(statfsSync('/lake')).toMatchObject(figures)
    for (const error of [fileSystemError(refusal(code)), folderError(refusal(code), 'create', '/lake/x')]) {
      expect(error).toMatchObject({
        code: 'ETL3-DK-01',
        exitCode: 7,
        message: expect.stringContaining(lack),
        hint: expect.stringContaining(remedy),
      })
      expect(error).toMatchObject({ message: expect.stringContaining('"/lake/x"') })
    }
  })
})
