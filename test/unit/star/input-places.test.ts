import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configSchema, type TableName } from '../../../src/config/schema.js'
import { FolderTree } from '../../../src/star/folder-tree.js'
import { findFiles } from '../../../src/star/input-tree.js'
import { findInputs, type InputTable } from '../../../src/star/inputs.js'
import { KeyTree } from '../../../src/star/key-tree.js'
import { text } from '../../oracle/sql.js'
import { writeStar } from '../../stars/star.js'
import { tinyStar } from '../../stars/tiny-star.js'

let root: string
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-places-'))
  await writeStar(root, tinyStar())
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const path = (name: string): string => join(root, name)
const NPI = 'dims/dim_npi.parquet'

/** Puts copies of a table's file at other places below the star's root, and takes the file away. */
function moved(from: string, ...to: readonly string[]): void {
  for (const name of to) {
    mkdirSync(dirname(path(name)), { recursive: true })
    copyFileSync(path(from), path(name))
  }
  rmSync(path(from))
}

async function found(tables: Partial<Record<TableName, string>> = {}, star = root): Promise<InputTable[]> {
  return await findInputs(configSchema.parse({ input: { root: star, tables } }), new AbortController().signal)
}

/** Paths of a table's files below the root, and what is said of them. */
async function filesOf(table: TableName, place?: string): Promise<{ files: string[]; notices: readonly string[] }> {
  const tables = await found(place === undefined ? {} : { [table]: place.startsWith('/') ? place : path(place) })
  const { files, notices = [] } = tables.find(({ name }) => name === table) ?? { files: [] }
  return { files: files.map((file) => file.path.slice(root.length + 1)), notices }
}

async function refusal(tables: Partial<Record<TableName, string>> = {}, star = root): Promise<string> {
  const error: unknown = await found(tables, star).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code: 'ETL3-IN-01', exitCode: 2 })
  return error instanceof Error ? error.message : ''
}

describe('a place of the input', () => {
  it('is the file of that name, also where the name is a pattern for others', async () => {
    moved(NPI, 'dims/dim_npi[2].parquet', 'dims/dim_npi2.parquet', 'dims/dim_npi*.parquet')
    expect(await filesOf('dim_npi', 'dims/dim_npi[2].parquet')).toEqual({
      files: ['dims/dim_npi[2].parquet'],
      notices: [],
    })
    expect((await filesOf('dim_npi', 'dims/dim_npi*.parquet')).files).toEqual(['dims/dim_npi*.parquet'])
    expect((await filesOf('dim_npi', 'dims/dim_npi?.parquet')).files.toSorted()).toEqual([
      'dims/dim_npi*.parquet',
      'dims/dim_npi2.parquet',
    ])
  })

  it('is a pattern only in those parts that do not exist as they stand', async () => {
    moved('gold/fact_rate.parquet', 'x[1]/f_1.parquet', 'x[1]/f_[1].parquet', 'x1/f_1.parquet', 'x1/f_9.parquet')
    const both = ['x[1]/f_1.parquet', 'x[1]/f_[1].parquet']
    expect((await filesOf('fact_rate', 'x[1]/f_*.parquet')).files).toEqual(both)
    expect((await filesOf('fact_rate', 'x[1]/**')).files).toEqual(both)
    expect((await filesOf('fact_rate', `x[1]/f_[${'1'.repeat(300)}].parquet`)).files).toEqual(['x[1]/f_1.parquet'])
    expect((await filesOf('fact_rate', 'x*/f_[1].parquet')).files).toEqual(['x1/f_1.parquet', 'x[1]/f_[1].parquet'])
  })

  it('is found by a pattern as DuckDB finds it, where no name is a pattern', async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    const part = fc.string({ unit: fc.constantFrom(...'ab1-'), minLength: 1, maxLength: 3 })
    const name = fc.tuple(part, part, part).map((parts) => parts.join('/'))
    const piece = fc.oneof(part, fc.constantFrom('*', '?', '[ab]', '[!a]', '[a-b1]', 'a*', '?*', '*1'))
    const segment = fc.oneof(
      fc.array(piece, { minLength: 1, maxLength: 3 }).map((p) => p.join('')),
      fc.constant('**'),
    )
    const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))
    // DuckDB takes `**` once, as a whole part.
    const understood = pattern.filter((glob) => glob.split('**').length <= 2)
    let matched = 0
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 12 }), understood, async (names, glob) => {
        const folder = mkdtempSync(path('glob-'))
        for (const file of names) {
          mkdirSync(join(folder, dirname(file)), { recursive: true })
          writeFileSync(join(folder, file), '')
        }
        const rows = (
          await connection.runAndReadAll(`SELECT file FROM glob(${text(`${folder}/${glob}`)}) ORDER BY file`)
        ).getRows()
        const files = findFiles(new FolderTree(), join(folder, glob), '/')
        // DuckDB also gives folders after `**`.
        const due = rows.map(([file]) => String(file)).filter((file) => statSync(file).isFile())
        if (files?.how === 'pattern' && due.length > 0) expect(files.files).toEqual(due)
        matched += Number(due.length > 0)
      }),
      { numRuns: 300 },
    )
    connection.closeSync()
    instance.closeSync()
    expect(matched).toBeGreaterThan(30)
  })

  it('is the part files of a folder, at any depth, but the hidden ones', async () => {
    moved(
      NPI,
      `${NPI}.d/part-1.parquet`,
      `${NPI}.d/b/c/000000_0`,
      `${NPI}.d/.part-2.parquet`,
      `${NPI}.d/_tmp/x.parquet`,
    )
    renameSync(path(`${NPI}.d`), path(NPI))
    for (const name of ['_SUCCESS', '._SUCCESS.crc', '_metadata', 'b_$folder$', 'half.parquet._COPYING_']) {
      writeFileSync(path(`${NPI}/${name}`), 'x')
    }
    expect(await filesOf('dim_npi')).toEqual({
      files: [`${NPI}/b/c/000000_0`, `${NPI}/part-1.parquet`],
      notices: [
        expect.stringMatching(/^dim_npi passes over \S*\.part-2\.parquet: a name that begins with '_' or '\.'/),
      ],
    })
  })

  it('may be found by a pattern as folders, of which those count that are named as files', async () => {
    moved('gold/fact_rate.parquet', 'gold/f_1.parquet', 'gold/f_2.parquet/part-0', 'gold/f_old/part-0.parquet')
    const { files, notices } = await filesOf('fact_rate', 'gold/f_*')
    expect(files).toEqual(['gold/f_1.parquet', 'gold/f_2.parquet/part-0'])
    expect(notices).toEqual([expect.stringMatching(/passes over the folder \S*\/gold\/f_old:/)])
    expect((await filesOf('fact_rate', 'gold/f_o*')).files).toEqual(['gold/f_old/part-0.parquet'])
  })

  it('counts a file once that it finds by several names, and says so', async () => {
    const fact = 'gold/fact_rate.parquet'
    symlinkSync(path(fact), path('gold/fact_rate_copy.parquet'))
    linkSync(path(fact), path('gold/fact_rate_hard.parquet'))
    symlinkSync(path('gold'), path('gold/again'))
    symlinkSync(path('gold'), path('linked'))
    const { files, notices } = await filesOf('fact_rate', 'gold/*.parquet')
    expect(files).toEqual([fact])
    expect(notices.map((notice) => notice.replaceAll(`${root}/`, ''))).toEqual([
      `fact_rate: gold/fact_rate_copy.parquet is ${fact} again, by a link, and counts once`,
      `fact_rate: gold/fact_rate_hard.parquet is ${fact} again, by a link, and counts once`,
    ])
    expect((await filesOf('fact_rate', 'gold')).files).toEqual([fact])
    expect((await filesOf('fact_rate', '**/fact_rate.parquet')).files).toHaveLength(1)
    copyFileSync(path(fact), path('gold/fact_rate_own.parquet'))
    expect((await filesOf('fact_rate', 'gold/*.parquet')).files).toEqual([fact, 'gold/fact_rate_own.parquet'])
  })

  it('refuses a link that leads nowhere, whose rows would be missing', async () => {
    moved(NPI, `${NPI}.d/part-1.parquet`)
    symlinkSync(path('gone.parquet'), path(`${NPI}.d/part-2.parquet`))
    await expect(found({ dim_npi: path(`${NPI}.d`) })).rejects.toMatchObject({
      code: 'ETL3-IN-06',
      message: expect.stringContaining('part-2.parquet'),
    })
  })
})

describe('a place without a table', () => {
  it('is told as a folder that holds no Parquet file, with what it holds', async () => {
    mkdirSync(path('csv'))
    writeFileSync(path('csv/npi.csv'), 'npi\n1\n')
    const message = await refusal({ dim_npi: path('csv') })
    expect(message).toMatch(
      /^dim_npi: \S*\/csv is a folder that holds no Parquet file \[it holds \S*\/csv\/npi\.csv\]$/,
    )
    mkdirSync(path('empty'))
    writeFileSync(path('empty/_SUCCESS'), '')
    expect(await refusal({ dim_npi: path('empty') })).toMatch(/empty is a folder that holds no Parquet file/)
    mkdirSync(path('bench_medicare_professional'))
    expect(await refusal({ bench_medicare_professional: path('bench_medicare_professional') })).toMatch(
      /no Parquet file/,
    )
  })

  it.each([
    ['Delta Lake', '_delta_log/00000000000000000000.json'],
    ['Iceberg', 'metadata/v1.metadata.json'],
    ['Hudi', '.hoodie/hoodie.properties'],
  ])('is told as a %s table, whose folder also holds files that no longer count', async (format, log) => {
    moved(NPI, 'npis/data/part-0.parquet')
    mkdirSync(dirname(path(`npis/${log}`)), { recursive: true })
    writeFileSync(path(`npis/${log}`), '{}')
    expect(await refusal({ dim_npi: path('npis') })).toContain(`npis is a ${format} table`)
  })

  it('is told by its case, and by the spelling of its letters', async () => {
    moved(NPI, 'dims/Dim_NPI.parquet')
    expect(await refusal()).toMatch(
      /dims holds 'Dim_NPI\.parquet' and no 'dim_npi\.parquet': a name counts with its case/,
    )
    moved('dims/Dim_NPI.parquet', 'dims/dim_npi.pq')
    expect(await refusal()).toMatch(/dims holds 'dim_npi\.pq' and no 'dim_npi\.parquet'$/)
    moved('dims/dim_npi.pq', 'u\u0308ber.parquet')
    expect(await refusal({ dim_npi: path('\u00fcber.parquet') })).toMatch(/exact characters/)
  })

  it.each([
    ['~/star/dim_npi.parquet', /'~' is a word of the shell/],
    ['C:\\data\\dim_npi.parquet', /'C:' begins a path of Windows/],
    ['D:/data/dim_npi.parquet', /'D:' begins a path of Windows/],
    ['\\\\server\\share\\dim_npi.parquet', /begins a path of Windows/],
    ['data\\dim_npi.parquet', /folders are parted by '\/'/],
    ['ROOT/nowhere/deep/dim_npi.parquet', /there is no folder \S*\/nowhere$/],
    ['ROOT/gold/fact_rate.parquet/part.parquet', /gold\/fact_rate\.parquet is a file and no folder$/],
    [`ROOT/dims/zzz${'[a]'.repeat(100)}`, /nothing in \S*\/dims matches 'zzz/],
    ['ROOT/dims/zzz*.parquet', /nothing in \S*\/dims matches 'zzz\*\.parquet'$/],
    ['ROOT/dangling.parquet', /dangling\.parquet is a symbolic link to \/gone\.parquet, which is not there$/],
  ])('is told as what it is: %s', async (place, words) => {
    symlinkSync('/gone.parquet', path('dangling.parquet'))
    const message = await refusal({ dim_npi: place.replace('ROOT', root) })
    expect(message).toMatch(/^Missing dimension tables: dim_npi /)
    expect(message).toMatch(words)
  })

  it('is told once for all tables where the root is wrong', async () => {
    const message = await refusal({}, path('nowhere'))
    expect(message.match(/there is no folder/g)).toHaveLength(1)
    expect(message).toMatch(/there is no folder \S*\/nowhere$/)
  })

  it('is no error for an optional table, but its near name is told', async () => {
    moved('bench_medicare_professional.parquet', 'Bench_Medicare_Professional.parquet')
    const { files, notices } = await filesOf('bench_medicare_professional')
    expect(files).toEqual([])
    expect(notices).toEqual([expect.stringContaining("'Bench_Medicare_Professional.parquet'")])
  })
})

describe('keys of a bucket', () => {
  const objects = (...keys: readonly string[]): Map<string, { bytes: number }> =>
    new Map(keys.map((key) => [key.replace(/ 0$/, ''), { bytes: key.endsWith(' 0') ? 0 : 9 }]))
  const meant = (place: string, ...keys: readonly string[]): readonly string[] | undefined =>
    findFiles(new KeyTree(objects(...keys)), place, '')?.files

  it.each([
    ['a/x[1].parquet', ['a/x[1].parquet', 'a/x1.parquet'], ['a/x[1].parquet']],
    ['a[1]/*.parquet', ['a[1]/x.parquet', 'a[1]/y.parquet', 'a1/x.parquet'], ['a[1]/x.parquet', 'a[1]/y.parquet']],
    ['a', ['a/_SUCCESS', 'a/p=1/.crc', 'a/p=1/0', 'a/p=1/_tmp/1', 'a/2', 'ab/3'], ['a/2', 'a/p=1/0']],
    ['', ['x.parquet', '_x'], ['x.parquet']],
    ['a', ['a 0', 'a/1', 'a/p=1 0', 'a/p=1/2', 'a/p_$folder$ 0'], ['a/1', 'a/p=1/2']],
    ['a', ['a/b', 'a/b/c'], ['a/b', 'a/b/c']],
    ['f_*', ['f_1.parquet', 'f_2.parquet/0', 'f_2.parquet/_SUCCESS', 'f_x/3'], ['f_1.parquet', 'f_2.parquet/0']],
    ['missing', ['missing.parquet'], undefined],
  ])('are meant by %j of %j: %j', (place, keys, files) => {
    expect(meant(place, ...keys)).toEqual(files)
  })
})

describe('the checksum of a table in parts', () => {
  it('is that of its files as they are, in the order of their paths', async () => {
    const bytes = readFileSync(path(NPI))
    moved(NPI, 'parts/b', 'parts/a')
    writeFileSync(path('parts/a'), Buffer.concat([bytes]))
    const [table] = (await found({ dim_npi: path('parts') })).filter(({ name }) => name === 'dim_npi')
    expect(table?.files.map((file) => [file.path, file.bytes])).toEqual([
      [path('parts/a'), bytes.length],
      [path('parts/b'), bytes.length],
    ])
  })
})
