import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TableName } from '../../../src/config/schema.js'
import type { Engine } from '../../../src/engine/engine.js'
import { nearMiss } from '../../../src/star/column-names.js'
import { selectInput } from '../../../src/star/file-schema.js'
import { warningsOf } from '../../../src/star/input-warnings.js'
import { checkKeys } from '../../../src/star/validate.js'
import { type OddColumns, openEngine, readBack, writeOdd } from './odd-file.js'

let folder: string
let engine: Engine
let files = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-names-'))
  engine = await openEngine(folder)
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function written(name: TableName, columns: OddColumns, without: readonly string[] = []): Promise<string> {
  const file = join(folder, `${files++}.parquet`)
  await writeOdd(engine, file, name, { columns, without })
  return file
}

async function warningsFor(name: TableName, columns: OddColumns): Promise<string[]> {
  const { files } = await readBack(engine, name, [await written(name, columns)])
  return warningsOf(await checkKeys([{ name, files }], 'error', engine))
}

describe('a name of a column', () => {
  it.each(['MODIFIER', 'Modifier', ' modifier', '\uFEFFmodifier', '\uFEFF MODIFIER \t'])(
    'matches without regard to case, blanks and marks: %j',
    async (modifier) => {
      const { rows } = await readBack(engine, 'bench_medicare_professional', [
        await written('bench_medicare_professional', { [modifier]: "'26'" }),
      ])
      expect(rows).toMatchObject([{ modifier: '26' }])
    },
  )

  it('is told where a similar one stands in its place', () => {
    expect(nearMiss('primary_taxonomy_code', ['npi', 'primary_taxonomy'])).toBe('primary_taxonomy')
    expect(nearMiss('primary_taxonomy_code', ['npi', 'primaryTaxonomyCode'])).toBe('primaryTaxonomyCode')
    expect(nearMiss('modifier', ['code', 'modifiers', 'rate'])).toBe('modifiers')
    expect(nearMiss('negotiated_rate', ['negotiatd_rate'])).toBe('negotiatd_rate')
    expect(nearMiss('city', ['zip', 'cents', 'county'])).toBeUndefined()
    expect(nearMiss('state', ['status', 'code'])).toBeUndefined()
  })

  it('stands in the error of a required column', async () => {
    const file = await written('dim_npi', { primary_taxonomy: "'207Q00000X'" }, ['primary_taxonomy_code'])
    await expect(readBack(engine, 'dim_npi', [file])).rejects.toMatchObject({
      code: 'ETL3-IN-04',
      message: `dim_npi lacks column primary_taxonomy_code; "primary_taxonomy" is there, was primary_taxonomy_code meant? [file=${file}]`,
    })
  })

  it('stands in the warning of an optional one', async () => {
    const [warning] = await warningsFor('dim_npi_address', { city_name: "'Austin'", Postal_Code: "'78701'" })
    expect(warning).not.toContain('postal_code')
    const [about] = await warningsFor('dim_npi', { enumeration_typ: "'NPI-1'" })
    expect(about).toContain('; "enumeration_typ" is there, was enumeration_type meant?')
  })

  it('that decides which row is taken is never missing without a word on what follows', async () => {
    const warnings = await warningsFor('bench_medicare_professional', {})
    expect(warnings).toContainEqual(
      expect.stringContaining('has no modifier: every row counts as the price of the plain code'),
    )
    expect(warnings).toContainEqual(expect.stringContaining('has no year_month: '))
    expect(warnings).not.toContainEqual(expect.stringContaining('NULL key'))
  })

  it.each([
    ['City', 'city', '"City" and "city_1" (as DuckDB writes "city" beside it)'],
    ['city', 'CITY', '"city" and "CITY_1" (as DuckDB writes "CITY" beside it)'],
    ['city ', 'city', '"city " and "city"'],
  ])('is refused where two columns have it: %j and %j', async (one, other, words) => {
    const file = await written('dim_npi_address', { [one]: "'a'", [other]: "'b'" })
    await expect(readBack(engine, 'dim_npi_address', [file])).rejects.toMatchObject({
      code: 'ETL3-IN-12',
      exitCode: 2,
      message: `dim_npi_address has columns of one name: ${words} [file=${file}]`,
    })
  })

  it('is not that of a column with a number, as joins leave it', async () => {
    const file = await written('dim_npi_address', { city: "'a'", city_1: "'b'" })
    const { rows, files } = await readBack(engine, 'dim_npi_address', [file])
    expect(rows).toMatchObject([{ city: 'a' }])
    expect(files[0]?.schema.extra).toEqual(['city_1'])
  })
})

describe('many files', () => {
  it('of one schema are one read, in the order of their paths; others are read beside them', async () => {
    const same = await Promise.all(
      [1, 2, 3].map(async (i) => await written('xref_pg_member_npi', { npi: `'${i}'`, note: `${i}` })),
    )
    // Other order, other columns that nobody reads, and another type.
    const turned = await written('xref_pg_member_npi', { note: "'text'", npi: "'4'", more: '1' })
    const numbers = await written('xref_pg_member_npi', { npi: '5::DOUBLE' })
    const paths = [...same.slice(0, 2), numbers, turned, ...same.slice(2)]
    const { rows, files } = await readBack(engine, 'xref_pg_member_npi', paths)
    expect(rows.map((row) => row['npi'])).toEqual(['1', '2', '4', '3', '5'])
    expect(selectInput('xref_pg_member_npi', files).match(/read_parquet/g)).toHaveLength(2)
  })

  it('of which one does not hold what the contract takes are refused with the path of that one', async () => {
    const good = await written('xref_pg_member_npi', { npi: '5::DOUBLE' })
    const bad = await written('xref_pg_member_npi', { npi: '5.5::DOUBLE' })
    await expect(readBack(engine, 'xref_pg_member_npi', [good, bad, good])).rejects.toMatchObject({
      code: 'ETL3-IN-05',
      message: expect.stringContaining(`for example "5.5" [file=${bad}]`),
    })
  })
})
