import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { extractZipEntry } from '../../../../src/runtime/temporal/zip-entry.js'

const PYTHON = process.env['ETL3_PYTHON'] ?? 'python3'
const WRITE_ZIP = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.comment = b'a comment behind the directory'
    z.writestr('pkg/first.txt', 'first', zipfile.ZIP_STORED)
    z.writestr('pkg-1.data/scripts/temporal', 'binary ' * 100_000, zipfile.ZIP_DEFLATED)
    z.writestr('pkg/packed', 'x' * 100, zipfile.ZIP_BZIP2)
`

describe('a zip archive that Python wrote', () => {
  let folder = ''
  let archive = ''
  const target = (): string => join(folder, 'out')

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'etl3-zip-'))
    archive = join(folder, 'a.zip')
    execFileSync(PYTHON, ['-c', WRITE_ZIP, archive])
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('gives a deflated entry', async () => {
    const name = await extractZipEntry(archive, (entry) => entry.endsWith('/temporal'), target())
    expect(name).toBe('pkg-1.data/scripts/temporal')
    expect(readFileSync(target(), 'utf8')).toBe('binary '.repeat(100_000))
  })

  it('gives a stored entry', async () => {
    await extractZipEntry(archive, (entry) => entry === 'pkg/first.txt', target())
    expect(readFileSync(target(), 'utf8')).toBe('first')
  })

  it('answers nothing for an entry that is not there', async () => {
    expect(await extractZipEntry(archive, () => false, target())).toBeUndefined()
  })

  it('says so when it is packed in another way, cut off, or no zip at all', async () => {
    await expect(extractZipEntry(archive, (entry) => entry === 'pkg/packed', target())).rejects.toThrow('method 12')
    const whole = readFileSync(archive)
    writeFileSync(archive, whole.subarray(0, whole.length - 60))
    await expect(extractZipEntry(archive, () => true, target())).rejects.toThrow('not a zip archive')
    writeFileSync(archive, '')
    await expect(extractZipEntry(archive, () => true, target())).rejects.toThrow('not a zip archive')
  })
})
