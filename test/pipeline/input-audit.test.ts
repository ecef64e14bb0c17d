import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InputAuditFigures } from '../../src/audit/input-audit.js'
import type { Engine } from '../../src/engine/engine.js'
import { DICTIONARY } from '../../src/star/dictionary.js'
import type { StagedPaths } from '../../src/star/staged-files.js'
import { DEFAULT_OPTIONS } from '../oracle/oracle-table.js'
import { text } from '../oracle/sql.js'
import { randomStar } from '../stars/random-star.js'
import { type Star, type StarFileName, type StarTable, type StarValue, withTable, writeStar } from '../stars/star.js'
import { tinyStar } from '../stars/tiny-star.js'
import { auditInProcess } from './audit-in-process.js'
import { type KeyedEntry, runInProcess } from './run-in-process.js'

const NINE = DEFAULT_OPTIONS.partitionColumns

let root: string
let run = 0

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-input-audit-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** What staging does with a star. */
interface Reading {
  /** What the true star holds beside. */
  readonly given?: (star: Star) => Star
  /** The star that staging takes the true one for. */
  readonly misread?: (star: Star) => Star
  readonly afterStaging?: (engine: Engine, staged: StagedPaths) => Promise<void>
  readonly partitionColumns?: readonly string[]
  /** Done to the true star before its audit. */
  readonly beforeAudit?: (root: string) => void
  readonly depth?: 'sample' | 'full'
}

/** Runs on the star as staging reads it, and audits against the star as it is. */
async function audited(star: Star, reading: Reading = {}): Promise<InputAuditFigures> {
  const folder = join(root, String(run++))
  const [read, real] = [join(folder, 'read'), join(folder, 'real')]
  await writeStar(real, star)
  await writeStar(read, reading.misread?.(star) ?? star)
  const { partitionColumns = NINE, afterStaging, depth = 'sample' } = reading
  const out = join(folder, 'table')
  const scratch = join(folder, 'scratch')
  const plan: KeyedEntry[] = await runInProcess({
    star: read,
    partitionColumns,
    out,
    scratch,
    ...(afterStaging === undefined ? {} : { afterStaging }),
  })
  reading.beforeAudit?.(real)
  return await auditInProcess({ star: real, plan, partitionColumns, out, scratch, depth })
}

/** A copy of a star in which the rows of a table are others. */
function rows(name: StarFileName, change: (row: StarTable['rows'][number]) => Readonly<Record<string, StarValue>>) {
  return (star: Star): Star =>
    withTable(star, name, (table) => ({ ...table, rows: table.rows.map((row) => ({ ...row, ...change(row) })) }))
}

/** Replaces a staged file by a statement over it. */
function staged(name: keyof StagedPaths, select: (file: string) => string) {
  return async (engine: Engine, paths: StagedPaths): Promise<void> => {
    const file = paths[name]
    await engine.run(`CREATE OR REPLACE TEMP TABLE tampered AS ${select(`read_parquet(${text(file)})`)}`)
    await engine.run(`COPY tampered TO ${text(file)} (FORMAT parquet)`)
  }
}

/** The tiny star with what the sabotages below need. */
function star(): Star {
  const first = (row: Readonly<Record<string, StarValue>>): boolean => row['npi'] === '9000000001'
  const changes = [
    rows('dims/dim_npi_address_geolocation', (row) => (first(row) ? { county_fips: '16055' } : {})),
    rows('dims/dim_npi', (row) => (first(row) ? { credential: 'M.D.' } : {})),
  ]
  return changes.reduce((changed, change) => change(changed), tinyStar())
}

/** An id of the tiny star, `g1`, by its number. */
function renumbered(
  row: StarTable['rows'][number],
  column: string,
  idOf: (n: number) => string,
): StarTable['rows'][number] {
  const id = row[column]
  return typeof id === 'string' ? { [column]: idOf(Number(id.slice(1))) } : {}
}

describe('what staging misreads is found by the audit of the input', () => {
  const without =
    (name: StarFileName, column: string) =>
    (given: Star): Star =>
      withTable(given, name, ({ columns, rows: all }) => ({
        columns: Object.fromEntries(Object.entries(columns).filter(([c]) => c !== column)),
        rows: all,
      }))
  const misreadings: readonly (readonly [what: string, found: RegExp, reading: Reading])[] = [
    [
      'a modifier that is taken for none',
      /medicare_state_rate is 40, due is 100/,
      {
        misread: (given) =>
          withTable(
            rows('bench_medicare_professional', () => ({ modifier: null }))(given),
            'bench_medicare_professional',
            (t) => ({
              ...t,
              rows: t.rows.filter((r) => r['medicare_prof_stateavg'] !== 100),
            }),
          ),
      },
    ],
    [
      'a date a day early',
      /expiration_date is "2025-12-30", due is "2025-12-31"/,
      {
        misread: rows('gold/fact_rate', (r) =>
          r['expiration_date'] === '2025-12-31' ? { expiration_date: '2025-12-30' } : {},
        ),
      },
    ],
    [
      'another file in place of a dimension',
      /primary_taxonomy_code is "363L00000X", due is "207Q00000X"/,
      { misread: rows('dims/dim_npi', () => ({ primary_taxonomy_code: '363L00000X' })) },
    ],
    [
      'a text without its byte order mark',
      /negotiation_arrangement is "ffs", due is "\\ufeffffs"/,
      {
        given: rows('gold/fact_rate', (r) => (r['fact_uid'] === 'f1' ? { negotiation_arrangement: '\uFEFFffs' } : {})),
        misread: rows('gold/fact_rate', (r) =>
          r['negotiation_arrangement'] === '\uFEFFffs' ? { negotiation_arrangement: 'ffs' } : {},
        ),
      },
    ],
    [
      'a code as floating point',
      /county_fips is "16055.0", due is "16055"/,
      {
        misread: rows('dims/dim_npi_address_geolocation', (r) =>
          r['county_fips'] === '16055' ? { county_fips: '16055.0' } : {},
        ),
      },
    ],
    [
      'a percentage that is taken for dollars',
      /negotiated_type is "negotiated", due is "percentage"/,
      { misread: rows('gold/fact_rate', () => ({ negotiated_type: 'negotiated' })) },
    ],
    [
      'an optional column that is not recognised',
      /credential is NULL, due is "M\.D\."/,
      { misread: without('dims/dim_npi', 'credential') },
    ],
    [
      'a month that is not recognised',
      /year_month is "2025-O6", due is "2025-06"/,
      { misread: rows('gold/fact_rate', (r) => (r['fact_uid'] === 'f1' ? { year_month: '2025-O6' } : {})) },
    ],
    [
      'a dropped member',
      /a row is missing \[fact_uid="f1", npi="9000000002"/,
      {
        misread: (given) =>
          withTable(given, 'xrefs/xref_pg_member_npi', (t) => ({
            ...t,
            rows: t.rows.filter((r) => r['npi'] !== '9000000002'),
          })),
      },
    ],
    [
      'a member too many',
      /a row is there that is not due \[fact_uid="f1", npi="9000000003"/,
      {
        misread: (given) =>
          withTable(given, 'xrefs/xref_pg_member_npi', (t) => ({
            ...t,
            rows: [...t.rows, { pg_uid: 'g1', npi: '9000000003' }],
          })),
      },
    ],
    [
      'another address',
      /address_hash is "a0", due is "a1"/,
      {
        misread: rows('dims/dim_npi_address_geolocation', (r) =>
          r['address_hash'] === 'a2' ? { address_hash: 'a0' } : {},
        ),
        partitionColumns: ['payer_slug'],
      },
    ],
    [
      'a tax id that is lost',
      /tin_values is \["22"\], due is \["11","22"\]/,
      {
        misread: (given) =>
          withTable(given, 'xrefs/xref_pg_member_tin', (t) => ({
            ...t,
            rows: t.rows.filter((r) => r['tin_value'] !== '11'),
          })),
      },
    ],
    [
      'another category',
      /procedure_set is "Test", due is "Imaging"/,
      {
        misread: (given) =>
          withTable(given, 'dims/dim_code_cat', (t) => ({
            ...t,
            rows: t.rows.filter((r) => r['proc_set'] === 'Test'),
          })),
      },
    ],
    [
      'places of service in another order',
      /pos_members is \["22","11"\], due is \["11","22"\]/,
      { misread: rows('dims/dim_pos_set', () => ({ pos_members: ['22', '11'] })) },
    ],
    [
      'a fact that is not there',
      /a row is missing \[fact_uid="f2"/,
      {
        misread: (given) =>
          withTable(given, 'gold/fact_rate', (t) => ({ ...t, rows: t.rows.filter((r) => r['fact_uid'] !== 'f2') })),
      },
    ],
    [
      'a member that is staged twice',
      /a row is there that is not due \[fact_uid="f1", npi="9000000001"/,
      {
        afterStaging: staged(
          'members',
          (file) =>
            `SELECT * FROM ${file} UNION ALL SELECT * FROM ${file} WHERE npi_id = (SELECT min(npi_id) FROM ${file} WHERE npi_id >= 0) ORDER BY block, group_id, cell_id, npi_id`,
        ),
      },
    ],
    [
      'a rate in another unit',
      /negotiated_rate is 15000, due is 150/,
      {
        afterStaging: staged(
          'facts',
          (file) => `SELECT * REPLACE (negotiated_rate * 100 AS negotiated_rate) FROM ${file} ORDER BY fact_row`,
        ),
      },
    ],
    [
      'a dimension row that is staged for another key',
      /code_name is "one!", due is "one"/,
      {
        afterStaging: staged(
          'codes',
          (file) => `SELECT * REPLACE (code_name || '!' AS code_name) FROM ${file} ORDER BY code_id`,
        ),
      },
    ],
  ]
  it.each(misreadings)('%s', async (_, found, reading) => {
    const given = reading.given?.(star()) ?? star()
    const failed = await audited(given, reading).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ETL3-AU-05', message: expect.stringMatching(found) })
  })

  it('names the input file, the object and the place of the value, and no value leaves its line', async () => {
    const odd = 'line\nbreak\u202e\u001b[31m'
    const given = rows('dims/dim_npi', (r) => (r['npi'] === '9000000001' ? { last_name: odd } : {}))(star())
    const misread = rows('dims/dim_npi', (r) => (r['npi'] === '9000000001' ? { last_name: 'other' } : {}))
    const failed = await audited(given, { misread }).catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code: 'ETL3-AU-05',
      message: expect.stringMatching(
        /last_name is "other", due is "line\\nbreak\\u202e\\u001b\[31m" \[fact_uid="f1", npi="9000000001", input file=.*dim_npi\.parquet, object=payer_slug=.*\]/,
      ),
      hint: expect.stringContaining('Nothing was published'),
    })
  })

  it('a fact of a group that no sample meets is found by the number of rows', async () => {
    const many = withTable(star(), 'gold/fact_rate', (table) => ({
      ...table,
      rows: Array.from({ length: 2000 }, (_, i) => ({
        ...table.rows[0],
        fact_uid: `f${i}`,
        pg_uid: i === 777 ? 'g2' : 'g1',
      })),
    }))
    const misread = (given: Star): Star =>
      withTable(given, 'gold/fact_rate', (t) => ({ ...t, rows: t.rows.filter((r) => r['fact_uid'] !== 'f777') }))
    const failed = await audited(many, { misread }).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ETL3-AU-06', message: expect.stringContaining('3999 rows') })
  })
})

describe('a good run', () => {
  it('has every fact, row and column of a small star compared', async () => {
    const figures = await audited(star())
    // f1 has two providers, f2 and f3 have none.
    expect(figures).toMatchObject({ files: 1, filesRead: 1, facts: 3, rows: 4, rowsCounted: 4, leftOut: 0 })
    expect(figures.values).toBe(4 * DICTIONARY.length)
  })

  it('has the same compared in full depth', async () => {
    const figures = await audited(star(), { depth: 'full' })
    expect(figures).toMatchObject({ facts: 3, rows: 4, values: 4 * DICTIONARY.length, rowsCounted: 4, leftOut: 0 })
  })

  it('passes over facts that were set aside', async () => {
    const more = withTable(star(), 'gold/fact_rate', (table) => ({
      ...table,
      rows: [...table.rows, { ...table.rows[0], fact_uid: 'f4', negotiated_rate: null }],
    }))
    expect(await audited(more)).toMatchObject({ facts: 3, rows: 4, rowsCounted: 4 })
  })

  it('tells of a file that the second reader cannot read, and compares what does not hang on it', async () => {
    const beforeAudit = (root: string): void => writeFileSync(join(root, 'dims/dim_code.parquet'), 'something else')
    const figures = await audited(star(), { beforeAudit })
    expect(figures).toMatchObject({ facts: 3, rows: 4, rowsCounted: 4, leftOut: 1 })
    // code_description and code_name come from it.
    expect(figures.values).toBe(4 * (DICTIONARY.length - 2))
    expect(figures.leftOutFirst[0]).toMatchObject({
      table: 'dim_code',
      file: expect.stringContaining('dim_code.parquet'),
    })
  })

  it.each([
    ['BIGINT', (n: number) => String(n)],
    ['DOUBLE', (n: number) => String(n)],
    ['DECIMAL(12,0)', (n: number) => String(n)],
    ['DECIMAL(38,0)', (n: number) => String(n)],
    ['DECIMAL(20,4)', (n: number) => String(n)],
    ['BLOB', (n: number) => `id-${n}`],
    ['UUID', (n: number) => `00000000-0000-4000-8000-00000000000${n}`],
  ] as const)('finds rows by keys that are stored as %s', async (type, idOf) => {
    const typed = (given: Star): Star =>
      Object.fromEntries(
        Object.entries(given).map(([name, { columns, rows: all }]) => [
          name,
          {
            columns: Object.fromEntries(
              Object.entries(columns).map(([c, t]) => [c, c === 'pg_uid' || c === 'pos_set_id' ? type : t]),
            ),
            rows: all.map((row) => ({
              ...row,
              ...renumbered(row, 'pg_uid', idOf),
              ...renumbered(row, 'pos_set_id', idOf),
            })),
          },
        ]),
      )
    const figures = await audited(typed(star()))
    expect(figures).toMatchObject({ facts: 3, rows: 4, values: 4 * DICTIONARY.length, rowsCounted: 4, leftOut: 0 })
  })

  it('for random stars and layouts, the audit of the input compares every fact and finds nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomStar(),
        fc.constantFrom(NINE, ['payer_slug'], ['city', 'pg_uid'], ['state', 'month']),
        async (given, partitionColumns) => {
          const figures = await audited(given, { partitionColumns })
          // The sample takes all of a file that has no more facts than its share.
          const facts = [...(given['gold/fact_rate']?.rows ?? []), ...(given['gold/fact_rate_2']?.rows ?? [])].length
          expect(figures).toMatchObject({ facts, leftOut: 0, rowsCounted: figures.rows })
        },
      ),
      { numRuns: 40 },
    )
  }, 300_000)
})
