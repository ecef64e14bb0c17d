import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/engine/engine.js'
import { checkKeys } from '../../../src/star/validate.js'
import { openEngine, type ReadBack, readBack } from './odd-file.js'

const PYTHON = process.env['ETL3_PYTHON'] ?? 'python3'
const SCRIPT = new URL('write-odd.py', import.meta.url).pathname

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-writers-'))
  engine = await openEngine(folder)
  await promisify(execFile)(PYTHON, [SCRIPT, folder])
}, 60_000)
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

const path = (name: string): string => join(folder, `${name}.parquet`)

async function read(...names: readonly string[]): Promise<ReadBack> {
  return await readBack(engine, 'dim_code_cat', names.map(path))
}

/** As a run reads it: schemas, values, keys. */
async function errorOf(...names: readonly string[]): Promise<unknown> {
  const act = async (): Promise<void> => {
    const { files } = await read(...names)
    await checkKeys([{ name: 'dim_code_cat', files }], 'error', engine)
  }
  return await act().then(
    () => undefined,
    (error: unknown) => error,
  )
}

const UNITS = ['s', 'ms', 'us', 'ns']

/** The file, and what its proc_group is read as. */
const VALUES: readonly (readonly [string, string | null])[] = [
  ['null', null],
  ['dictionary', 'a'],
  ['large', 'a'],
  ['fixed-bytes', 'abcd'],
  ['half', '1.5'],
  ['milliseconds-date', '2025-12-31'],
  ['int96', '2025-12-31 23:30:00'],
  ...UNITS.map((unit) => [`zoned-${unit}`, '2025-12-31 23:30:00'] as const),
  ...UNITS.map((unit) => [`plain-${unit}`, '2025-12-31 23:30:00'] as const),
]

describe('files of other writers', () => {
  it.each(VALUES)('give their value: %s', async (name, value) => {
    const { rows } = await read(name)
    expect(rows).toEqual([{ proc_cd: '99213', proc_set: 'E/M', proc_class: 'Office', proc_group: value }])
  })

  it.each(['mark', 'geo', 'geo-unknown', 'other-twins'])(
    'may be odd in what is no part of a name, and in what nobody reads: %s',
    async (name) => {
      const { rows } = await read(name)
      expect(rows).toEqual([{ proc_cd: '99213', proc_set: 'E/M', proc_class: 'Office', proc_group: null }])
    },
  )

  it('may hold text that is not UTF-8 in a column that nobody reads', async () => {
    const { rows } = await read('latin-unread')
    expect(rows).toMatchObject([{ proc_cd: '99213', proc_group: 'a' }])
  })

  it('of different types are read as one table', async () => {
    const { rows } = await read('mark', 'half', 'large', 'null', 'dictionary', 'geo')
    expect(rows.map((row) => row['proc_group']).toSorted()).toEqual(['1.5', 'a', 'a', null, null, null])
  })

  it.each([
    ['wide', 'ETL3-IN-05', ['dim_code_cat.proc_group', 'DECIMAL(40,0)', '38 digits']],
    ['time-of-day', 'ETL3-IN-05', ['dim_code_cat.proc_group', 'TIME', '01:02:03']],
    ['twins', 'ETL3-IN-12', ['dim_code_cat', '"proc_cd" and "PROC_CD"']],
    ['marked-twins', 'ETL3-IN-12', ['dim_code_cat', '"proc_cd" and ']],
    ['latin', 'ETL3-IN-03', ['dim_code_cat.proc_group', 'not UTF-8', '"Do\\xF1a Ana"']],
    ['encrypted', 'ETL3-IN-03', ['dim_code_cat', 'is encrypted']],
    ['encrypted-columns', 'ETL3-IN-03', ['dim_code_cat', 'is encrypted']],
  ] as const)('are refused with what is wrong: %s', async (name, code, words) => {
    const error = await errorOf('large', name)
    expect(error).toMatchObject({ code, exitCode: 2 })
    for (const word of [...words, `[file=${path(name)}]`]) expect(String(error)).toContain(word)
  })
})

describe('a file that is no Parquet file', () => {
  const whole = (): Buffer => readFileSync(path('large'))

  it.each([
    ['empty', () => Buffer.alloc(0), 'it is empty'],
    ['cut off', () => whole().subarray(0, 300), 'is truncated: after 300 bytes'],
    ['text', () => Buffer.from('proc_cd,proc_set\n'.repeat(20)), 'begins with "proc_cd,proc_set\\nproc_cd'],
    ['a compressed file', () => Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4]), 'compressed by gzip'],
    [
      'an answer of a server',
      () => Buffer.from('\n<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
      'HTML or XML',
    ],
    ['a pointer', () => Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'), 'Git LFS'],
    ['terminal commands', () => Buffer.from('\u001b[2J\u009b31m'.repeat(9), 'latin1'), '\\u001b[2J\\u009b31m'],
  ])('is told as what it is: %s', async (_, bytes, words) => {
    writeFileSync(path('other'), bytes())
    const error = await errorOf('large', 'other')
    expect(error).toMatchObject({ code: 'ETL3-IN-03', exitCode: 2 })
    expect(String(error)).toContain('dim_code_cat is ')
    expect(String(error)).toContain(words)
    expect(String(error)).toContain(`[file=${path('other')}]`)
  })

  it('but is damaged within is told with its column', async () => {
    const bytes = whole()
    bytes.fill(0xff, 4, 60)
    writeFileSync(path('damaged'), bytes)
    const error = await errorOf('large', 'damaged')
    expect(error).toMatchObject({ code: 'ETL3-IN-03', exitCode: 2 })
    expect(String(error)).toContain('dim_code_cat.proc_cd cannot be read: ')
    expect(String(error)).toContain(`[file=${path('damaged')}]`)
  })
})
