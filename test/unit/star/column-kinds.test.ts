import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TableName } from '../../../src/config/schema.js'
import type { Engine } from '../../../src/engine/engine.js'
import { type OddColumns, openEngine, readBack, writeOdd } from './odd-file.js'

let folder: string
let engine: Engine
let files = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-kinds-'))
  engine = await openEngine(folder)
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function readOdd(name: TableName, columns: OddColumns, rows = 1): Promise<Awaited<ReturnType<typeof readBack>>> {
  const file = join(folder, `${files++}.parquet`)
  await writeOdd(engine, file, name, { columns, rows })
  return await readBack(engine, name, [file])
}

/** Table, column, what the file holds, what is read. */
const VALUES: readonly (readonly [TableName, string, string, string | number | null])[] = [
  // Identities: text stays, whole numbers of any type are their digits.
  ['dim_npi', 'npi', "' 007 '", ' 007 '],
  ['dim_npi', 'npi', '1427051648::BIGINT', '1427051648'],
  ['dim_npi', 'npi', '(-7)::TINYINT', '-7'],
  ['dim_npi', 'npi', '18446744073709551615::UBIGINT', '18446744073709551615'],
  ['dim_npi', 'npi', '1427051648::DECIMAL(38,0)', '1427051648'],
  ['dim_npi', 'npi', '1427051648::DECIMAL(18,4)', '1427051648'],
  ['dim_npi', 'npi', '99999999999999999999999999999999999999::DECIMAL(38,0)', '9'.repeat(38)],
  ['dim_npi', 'npi', '1427051648::DOUBLE', '1427051648'],
  ['dim_npi', 'npi', '9007199254740991::DOUBLE', '9007199254740991'],
  ['dim_npi', 'npi', "'-0.0'::DOUBLE", '0'],
  ['dim_npi', 'npi', '16777215::FLOAT', '16777215'],
  ['dim_npi', 'npi', 'NULL::DOUBLE', null],
  ['dim_npi', 'npi', "'ABCDEF00-0000-4000-8000-000000000001'::UUID", 'abcdef00-0000-4000-8000-000000000001'],
  ['dim_npi', 'npi', "encode('g-é')", 'g-é'],
  ['dim_npi', 'npi', "'b'::ENUM('a', 'b')", 'b'],
  ['xref_pg_member_tin', 'tin_value', '10234567::BIGINT', '10234567'],
  // Text takes more, in one spelling.
  ['dim_npi', 'credential', 'true', 'true'],
  ['dim_npi', 'credential', '48453::DOUBLE', '48453'],
  ['dim_npi', 'credential', '690.64462::DOUBLE', '690.64462'],
  ['dim_npi', 'credential', '1e-5::DOUBLE', '1e-05'],
  ['dim_npi', 'credential', '1.5::FLOAT', '1.5'],
  ['dim_npi', 'credential', '12.50::DECIMAL(9,2)', '12.50'],
  ['dim_npi', 'credential', '12.00::DECIMAL(9,2)', '12'],
  ['dim_npi', 'credential', "DATE '2025-06-01'", '2025-06-01'],
  ['dim_npi', 'credential', "TIMESTAMP '2025-06-01 01:02:03'", '2025-06-01 01:02:03'],
  ['dim_npi', 'credential', "TIMESTAMPTZ '2025-06-01 01:02:03-05'", '2025-06-01 06:02:03'],
  ['dim_npi', 'credential', '\'{"a": 1}\'::JSON', '{"a": 1}'],
  // Months.
  ...(
    [
      ["'2025-06'", '2025-06'],
      ["'2025/06'", '2025-06'],
      ["'2025/6'", '2025-06'],
      ["'2025-6'", '2025-06'],
      ["'202506'", '2025-06'],
      ["' 2025-06\t'", '2025-06'],
      ["'2025-06-01'", '2025-06'],
      ["'2025/06/30'", '2025-06'],
      ["'20250630'", '2025-06'],
      ["'2025-06-30T23:30:00'", '2025-06'],
      ["'2025-06-30T23:30:00-05:00'", '2025-07'],
      ["encode('202506')", '2025-06'],
      ['202506::INTEGER', '2025-06'],
      ['202506::DOUBLE', '2025-06'],
      ['202506::DECIMAL(38,0)', '2025-06'],
      ['20250601::BIGINT', '2025-06'],
      ["DATE '2025-06-30'", '2025-06'],
      ["DATE '0900-01-31'", '0900-01'],
      ["TIMESTAMP_S '2025-06-30 23:30:00'", '2025-06'],
      ["TIMESTAMP_MS '2025-06-30 23:30:00'", '2025-06'],
      ["TIMESTAMP '2025-06-30 23:30:00'", '2025-06'],
      ["TIMESTAMP_NS '2025-06-30 23:30:00'", '2025-06'],
      ["TIMESTAMPTZ '2025-06-30 23:30:00-05'", '2025-07'],
      // No months: as they are, for the quality rule to tell.
      ["'2025-13'", '2025-13'],
      ["'202513'", '202513'],
      ['202513::INTEGER', '202513'],
      ["'2025-02-31'", '2025-02-31'],
      ["'June 2025'", 'June 2025'],
      ["''", ''],
      ['NULL::VARCHAR', null],
    ] as const
  ).map(([sql, value]) => ['fact_rate', 'year_month', sql, value] as const),
  // Dates.
  ...(
    [
      ["'2025-12-31'", '2025-12-31'],
      ["' 2025-12-31\n'", '2025-12-31'],
      ["'2025/12/31'", '2025-12-31'],
      ["'2025-1-2'", '2025-01-02'],
      ["'20251231'", '2025-12-31'],
      ['20251231::INTEGER', '2025-12-31'],
      ['20251231::DOUBLE', '2025-12-31'],
      ["'2025-12-31 23:30:00'", '2025-12-31'],
      ["'2025-12-31T23:30'", '2025-12-31'],
      ["'2025-12-31T23:30Z'", '2025-12-31'],
      ["'2025-12-31T23:30:00.123456789Z'", '2025-12-31'],
      ["'2025-12-31T23:30:00-05:00'", '2026-01-01'],
      ["'2025-12-31 23:30 -0500'", '2026-01-01'],
      ["'2026-01-01T00:30:00+01'", '2025-12-31'],
      ["'2026-01-01 00:30:00 UTC'", '2026-01-01'],
      ["DATE '9999-12-31'", '9999-12-31'],
      ["TIMESTAMP '2025-12-31 00:00:00'", '2025-12-31'],
      ["TIMESTAMPTZ '9999-12-31 00:00:00+00'", '9999-12-31'],
      ["TIMESTAMPTZ '2025-12-31 23:30:00-05'", '2026-01-01'],
      ["'12/31/2025'", '12/31/2025'],
      ["'20251332'", '20251332'],
      ["'never'", 'never'],
    ] as const
  ).map(([sql, value]) => ['fact_rate', 'expiration_date', sql, value] as const),
  // Codes: numbers get back their zeros, text is never touched.
  ['dim_npi_address_geolocation', 'county_fips', '6037::DOUBLE', '06037'],
  ['dim_npi_address_geolocation', 'county_fips', '48453::INTEGER', '48453'],
  ['dim_npi_address_geolocation', 'county_fips', "'6037'", '6037'],
  ['dim_npi_address_geolocation', 'county_fips', "encode('6037')", '6037'],
  ['dim_npi_address_geolocation', 'county_fips', '484530001::BIGINT', '484530001'],
  ['dim_npi_address_geolocation', 'county_fips', '(-1)::INTEGER', '-1'],
  ['dim_npi_address_geolocation', 'stat_area_code', '1234::DECIMAL(9,0)', '01234'],
  ['dim_npi_address', 'postal_code', '2139::INTEGER', '02139'],
  ['dim_npi_address', 'postal_code', '21391234::BIGINT', '021391234'],
  ['dim_npi_address', 'postal_code', '838351234::DOUBLE', '838351234'],
  ['dim_code_cat', 'proc_cd', '100::INTEGER', '00100'],
  // Numbers.
  ['fact_rate', 'negotiated_rate', '12.5::DECIMAL(9,2)', 12.5],
  ['fact_rate', 'negotiated_rate', '12::SMALLINT', 12],
  ['bench_medicare_professional', 'data_year', '2025::DOUBLE', 2025],
  ['bench_medicare_professional', 'data_year', '2025::DECIMAL(38,0)', 2025],
  ['bench_medicare_professional', 'data_year', '2025::UBIGINT', 2025],
  ['dim_pos_set', 'pos_members', "['1', NULL]", "['1', NULL]"],
  ['dim_pos_set', 'pos_members', '[1, 22, NULL]::INTEGER[]', "['01', '22', NULL]"],
  ['dim_pos_set', 'pos_members', '[1, 22]::DOUBLE[]', "['01', '22']"],
  ['dim_pos_set', 'pos_members', "[encode('01')]", "['01']"],
  ['dim_pos_set', 'pos_members', 'NULL::INTEGER[]', null],
]

describe('a column of another type becomes the value that it means', () => {
  it.each(VALUES)('%s.%s of %s', async (name, column, sql, value) => {
    const { rows } = await readOdd(name, { [column]: sql })
    const [read] = rows.map((row) => row[column])
    expect(read).toEqual(value)
  })

  it('by the code_type of its row, on both sides of the join', async () => {
    const types = "['CPT', 'hcpcs ', 'MS-DRG', 'RC', 'LOCAL', NULL][i + 1]"
    const due = ['00100', '00100', '100', '0100', '100', '100']
    for (const name of ['fact_rate', 'dim_code', 'bench_medicare_professional'] as const) {
      const { rows, padded } = await readOdd(name, { code_type: types, code: '100::BIGINT' }, 6)
      expect(rows.map((row) => row['code'])).toEqual(due)
      expect(padded).toEqual([{ column: 'code', rows: 3, stored: '100', read: expect.stringMatching(/^0+100$/) }])
    }
  })

  it('and tells in how many rows zeros were put back', async () => {
    const { padded } = await readOdd(
      'dim_npi_address_geolocation',
      { county_fips: '[6037, 48453, NULL, 1001][i + 1]' },
      4,
    )
    expect(padded).toEqual([{ column: 'county_fips', rows: 2, stored: '1001', read: '01001' }])
  })
})

/** Table, column, what the file holds, words of the message. */
const REFUSED: readonly (readonly [TableName, string, string, readonly string[]])[] = [
  ['dim_npi', 'npi', '7.5::DOUBLE', ['DOUBLE', '"7.5"', 'not whole']],
  ['dim_npi', 'npi', "'nan'::DOUBLE", ['"nan"']],
  ['dim_npi', 'npi', "'-inf'::FLOAT", ['FLOAT', '"-inf"']],
  ['dim_npi', 'npi', '9007199254740992::DOUBLE', ['digits are lost']],
  ['dim_npi', 'npi', '16777216::FLOAT', ['digits are lost']],
  ['dim_npi', 'npi', '7.25::DECIMAL(9,2)', ['DECIMAL(9,2)', '"7.25"']],
  ['dim_npi', 'npi', 'true', ['BOOLEAN', '"true"', 'text or whole numbers']],
  ['dim_npi', 'npi', "DATE '2025-06-01'", ['DATE', '"2025-06-01"']],
  ['dim_npi', 'credential', "TIME '01:02:03'", ['TIME', '"01:02:03"']],
  ['dim_npi', 'credential', "INTERVAL '1 day'", ['INTERVAL', '"1 day"']],
  ['dim_npi', 'credential', '{a: 1}', ['STRUCT', "{'a': 1}"]],
  ['dim_npi', 'credential', 'MAP {1: 2}', ['MAP', '{1=2}']],
  ['dim_npi', 'credential', "['a']", ['VARCHAR[]', '"[a]"']],
  ['dim_npi', 'credential', "'inf'::DOUBLE", ['"inf"', 'not finite']],
  ['dim_npi', 'credential', "'Do\\xF1a Ana'::BLOB", ['BLOB', 'not UTF-8', '"Do\\xF1a Ana"']],
  ['dim_npi', 'credential', "'\\xED\\xA0\\x80'::BLOB", ['not UTF-8']],
  ['dim_npi', 'credential', "'infinity'::DATE", ['DATE', '"infinity"', 'years 1 to 9999']],
  ['fact_rate', 'year_month', '202506.5::DOUBLE', ['"202506.5"']],
  ['fact_rate', 'year_month', 'true', ['BOOLEAN', 'months']],
  ['fact_rate', 'expiration_date', "TIMESTAMP '10000-01-01 00:00:00'", ['years 1 to 9999']],
  ['fact_rate', 'expiration_date', "'infinity'::TIMESTAMPTZ", ['"infinity"', 'years 1 to 9999']],
  ['fact_rate', 'negotiated_rate', "'12.5'", ['VARCHAR', '"12.5"', 'numbers']],
  ['fact_rate', 'code', '100.5::DOUBLE', ['"100.5"']],
  ['dim_npi_address', 'postal_code', "'nan'::DOUBLE", ['"nan"']],
  ['bench_medicare_professional', 'data_year', '2025.5::DOUBLE', ['"2025.5"', '32 bits']],
  ['bench_medicare_professional', 'data_year', "'nan'::DOUBLE", ['"nan"', '32 bits']],
  ['bench_medicare_professional', 'data_year', '99999999999::BIGINT', ['"99999999999"', '32 bits']],
  ['dim_pos_set', 'pos_members', '[1, 2.5]::DOUBLE[]', ['DOUBLE[]', '[1.0, 2.5]']],
  ['dim_pos_set', 'pos_members', "['\\xF1'::BLOB]", ['BLOB[]', 'not UTF-8']],
  ['dim_pos_set', 'pos_members', '[{a: 1}]', ['STRUCT']],
  ['dim_pos_set', 'pos_members', "'11,22'", ['VARCHAR', '"11,22"', 'a list']],
]

describe('what has no meaning in the contract is refused by name', () => {
  it.each(REFUSED)('%s.%s of %s', async (name, column, sql, words) => {
    const good = /::(\w+(\(.*\))?)$/.test(sql) ? `CASE WHEN i = 1 THEN ${sql} END` : sql
    const error: unknown = await readOdd(name, { [column]: good }, 2).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({
      code: 'ETL3-IN-05',
      exitCode: 2,
      hint: expect.stringContaining('Write the column as'),
    })
    for (const word of [`${name}.${column}`, ...words, '[file=']) expect(String(error)).toContain(word)
  })
})

describe('digits of whole numbers', () => {
  it('are the same whatever the type of the number', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -16_777_215, max: 16_777_215 }), { minLength: 1, maxLength: 20 }),
        async (numbers) => {
          const values = `[${numbers.join(', ')}][i + 1]`
          for (const type of [
            'INTEGER',
            'BIGINT',
            'HUGEINT',
            'DECIMAL(12,0)',
            'DECIMAL(38,3)',
            'DOUBLE',
            'FLOAT',
            'VARCHAR',
          ]) {
            const { rows } = await readOdd('dim_npi', { npi: `(${values})::${type}` }, numbers.length)
            expect(rows.map((row) => row['npi'])).toEqual(numbers.map(String))
          }
        },
      ),
      { numRuns: 8 },
    )
  })
})
