import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { parquetFileMetadata, readParquet } from '../../../src/runtime/parquet-scan.js'
import { writeColumn } from '../../stars/write-column.js'

let root: string
let engine: Engine
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-scan-'))
  engine = await Engine.open({ memoryLimitMb: 64, threads: 1, scratch: join(root, 'scratch') })
})
afterAll(() => {
  engine.close()
  rmSync(root, { recursive: true, force: true })
})

/** Writes one Parquet file per path below a folder of its own; a file's one value, and its number of rows, is its place in the list. */
async function written(paths: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(root, 'case-'))
  const files = paths.map((path) => `${folder}/${path}`)
  for (const [i, file] of files.entries()) {
    mkdirSync(dirname(file), { recursive: true })
    await writeColumn(
      file,
      Array.from({ length: i + 1 }, () => i),
    )
  }
  return files
}

async function expectEachReadAsItself(files: readonly string[]): Promise<void> {
  for (const [i, file] of files.entries()) {
    const rows = await engine.rows(`SELECT DISTINCT value, filename FROM ${readParquet([file], ', filename = true')}`)
    expect(rows).toEqual([{ value: i, filename: file }])
    expect(await engine.rows(`SELECT file_name, num_rows FROM ${parquetFileMetadata(file)}`)).toEqual([
      { file_name: file, num_rows: BigInt(i + 1) },
    ])
  }
  const all = await engine.rows(`SELECT filename FROM ${readParquet(files, ', filename = true')}`)
  expect(all.map((row) => row['filename'])).toEqual(
    files.flatMap((file, i) => Array.from({ length: i + 1 }, () => file)),
  )
}

// All that a name may hold on this machine: anything but '/' and NUL, 255 bytes at most. What globs is drawn often.
const character = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...'[]*?\\!^-{}ab12"\'~%=: ') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
)
const name = fc
  .array(character, { minLength: 1, maxLength: 10 })
  .map((characters) => characters.join(''))
  .filter((text) => !/[/\0]|\p{Surrogate}/u.test(text) && text !== '.' && text !== '..')

describe('a path that is known', () => {
  it('is read as itself and as no neighbor, whatever its name and that of its folder hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), name, async (names, folder) => {
        await expectEachReadAsItself(await written(names.map((n) => `${folder}/${n}`)))
      }),
      { numRuns: 80 },
    )
  }, 120_000)

  it('is no pattern: every neighbor that the name would match is left alone', async () => {
    await expectEachReadAsItself(
      await written([
        'x[1]/a[2].parquet',
        'x[1]/a2.parquet',
        'x1/a[2].parquet',
        'x1/a2.parquet',
        'x[1]/a[[]2].parquet',
        'y*/b?.parquet',
        'y*/b1.parquet',
        'y1/b?.parquet',
        '**/c.parquet',
        'q/**/c.parquet',
        'q/c.parquet',
        'z[1]/d\\1.parquet',
        'z[1]/d1.parquet',
        'z[1]/d/1.parquet',
        'z[1]/d]1.parquet',
        'z[1]/[!a].parquet',
        'z[1]/b.parquet',
        'z[1]/ü?.parquet',
        'z[1]/u\u0308?.parquet',
      ]),
    )
  })
})
