import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { Engine } from '../../../src/engine/engine.js'
import { selectInput } from '../../../src/star/file-schema.js'
import { findInputs } from '../../../src/star/inputs.js'
import { pathColumnsOf } from '../../../src/star/path-columns.js'
import { differencesToPaths } from '../../../src/star/path-differences.js'
import { checkKeys, checkSchemas } from '../../../src/star/validate.js'
import { text } from '../../oracle/sql.js'
import { type StarTable, tableOf, writeStar } from '../../stars/star.js'
import { tinyStar } from '../../stars/tiny-star.js'

let root: string
let engine: Engine
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-columns-'))
  engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: join(root, 'scratch') })
})
afterEach(() => {
  engine.close()
  rmSync(root, { recursive: true, force: true })
})

const FACTS = tableOf(tinyStar(), 'gold/fact_rate')
const OF_JUNE = { ...FACTS, rows: FACTS.rows.filter((row) => row['year_month'] === '2025-06') }

function without(table: StarTable, ...columns: readonly string[]): StarTable {
  return {
    ...table,
    columns: Object.fromEntries(Object.entries(table.columns).filter(([name]) => !columns.includes(name))),
  }
}

/** A star whose facts lie in the given folders of `gold/fact_rate.parquet`, each with all of them. */
async function written(...folders: readonly (readonly [string, StarTable])[]): Promise<void> {
  const { 'gold/fact_rate': _, ...others } = tinyStar()
  const facts = folders.map(([folder, table]) => [`gold/fact_rate.parquet/${folder}/part`, table])
  await writeStar(root, { ...others, ...Object.fromEntries(facts) })
}

/** What is read of the facts, and what is warned of. */
async function facts(columns: string): Promise<{ rows: unknown[]; warnings: string[] }> {
  const inputs = await findInputs(configSchema.parse({ input: { root } }), new AbortController().signal)
  const checked = await checkSchemas(inputs, engine)
  const files = checked.find(({ name }) => name === 'fact_rate')?.files ?? []
  const found = inputs.find(({ name }) => name === 'fact_rate')?.files ?? []
  const withPaths = files.map((file, i) => ({ ...file, pathColumns: found[i]?.pathColumns }))
  return {
    rows: await engine.rows(`SELECT DISTINCT ${columns} FROM (${selectInput('fact_rate', files)}) ORDER BY ALL`),
    warnings: await differencesToPaths('fact_rate', withPaths, engine),
  }
}

describe('a column that stands in the path', () => {
  it('is a column of the table where the file does not hold it', async () => {
    const bare = without(FACTS, 'year_month', 'state')
    await written(
      ['year_month=2025-06/state=TX', bare],
      ['YEAR_MONTH=2025-07/state=__HIVE_DEFAULT_PARTITION__', bare],
      ['deeper[1]/year_month=2024%2D01/state=S%27T%20%C3%A9', bare],
    )
    expect(await facts('year_month, state')).toEqual({
      rows: [
        { year_month: '2024-01', state: "S'T é" },
        { year_month: '2025-06', state: 'TX' },
        { year_month: '2025-07', state: null },
      ],
      warnings: [],
    })
  })

  it('is the file’s where both have it, and a difference is told', async () => {
    await written(
      ['year_month=2025-06/a', OF_JUNE],
      ['year_month=2031-01/b', OF_JUNE],
      ['state=TX/year_month=2031-01/c', OF_JUNE],
    )
    const { rows, warnings } = await facts('year_month')
    expect(rows).toEqual([{ year_month: '2025-06' }])
    expect(warnings).toEqual([
      `fact_rate.year_month is '2031-01' in the path and differs in ${2 * OF_JUNE.rows.length} rows, as '2025-06': the file's values count ` +
        `[file=${root}/gold/fact_rate.parquet/state=TX/year_month=2031-01/c/part.parquet]`,
    ])
  })

  it('is a number where the contract wants one', async () => {
    const bench = tableOf(tinyStar(), 'bench_medicare_professional')
    const { bench_medicare_professional: _, ...others } = tinyStar()
    await writeStar(root, {
      ...others,
      'bench_medicare_professional.parquet/data_year=2025/part': without(bench, 'data_year'),
      'bench_medicare_professional.parquet/data_year=2026.0/part': without(bench, 'data_year'),
    })
    const inputs = await findInputs(configSchema.parse({ input: { root } }), new AbortController().signal)
    const [checked] = (await checkSchemas(inputs, engine)).filter(({ name }) => name === 'bench_medicare_professional')
    const rows = await engine.rows(
      `SELECT DISTINCT data_year FROM (${selectInput('bench_medicare_professional', checked?.files ?? [])})`,
    )
    expect(rows.map(({ data_year }) => data_year).sort()).toEqual([2025, 2026])
  })

  it('is a whole number also where it was written with a fraction of zeros, and only where the contract wants a number', () => {
    const yearIn = (folder: string): string | null | undefined =>
      pathColumnsOf('bench_medicare_professional', `/x/${folder}/part.parquet`)['data_year']
    for (const folder of ['data_year=2025', 'data_year=2025.0', 'DATA_YEAR=2025%2E00', 'data_year=2025.']) {
      expect(yearIn(folder)).toBe('2025')
    }
    expect(yearIn('data_year=-1.0')).toBe('-1')
    expect(yearIn('data_year=2025.5')).toBe('2025.5')
    expect(yearIn('data_year=.0')).toBe('.0')
    expect(yearIn('data_year=2025.0.0')).toBe('2025.0.0')
    expect(pathColumnsOf('fact_rate', '/x/code=99.0/state=1.0/part')).toEqual({ code: '99.0', state: '1.0' })
  })

  it('gives a code of the file its width where it is the code_type', async () => {
    const codes = without(FACTS, 'code_type')
    const numbered = {
      columns: { ...codes.columns, code: 'INTEGER' },
      rows: codes.rows.map((row) => ({ ...row, code: 72 })),
    }
    await written(['code_type=MS-DRG', numbered], ['code_type=CPT', numbered], ['code_type=APC', numbered])
    const { rows } = await facts('code_type, code')
    expect(rows).toEqual([
      { code_type: 'APC', code: '72' },
      { code_type: 'CPT', code: '00072' },
      { code_type: 'MS-DRG', code: '072' },
    ])
    const inputs = await findInputs(configSchema.parse({ input: { root } }), new AbortController().signal)
    const [found] = await checkKeys(await checkSchemas(inputs, engine), 'error', engine)
    expect(found?.paddedCodes).toMatchObject([{ column: 'code', rows: 2 * FACTS.rows.length, stored: '72' }])
  })

  it('is of the contract, of a folder, and the one nearest to the file', () => {
    expect(pathColumnsOf('fact_rate', '/x/color=red/state=ID/=/state=TX/year_month=2025-06')).toEqual({ state: 'TX' })
    expect(pathColumnsOf('dim_code', '/x/state=ID/part.parquet')).toEqual({})
    expect(pathColumnsOf('fact_rate', '/x/state=100%/payer_slug=a%2/code=%FF%41=b/f')).toEqual({
      state: '100%',
      payer_slug: 'a%2',
      code: '%FF%41=b',
    })
  })

  it('is what DuckDB wrote as a partition, whatever it holds', async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    const value = fc.oneof(
      fc.constantFrom(null, 'NULL', 'a b', 'a/b', '%41', "S'T", '日本', 'e\u0301', '=', 'x=1/y', '[a]*?', '.', '..'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((s) => !/[\0\p{Surrogate}]/u.test(s)),
    )
    await fc.assert(
      fc.asyncProperty(value, async (state) => {
        const folder = mkdtempSync(join(root, 'written-'))
        const literal = state === null ? 'NULL' : text(state)
        await connection.run(
          `COPY (SELECT 1 AS x, ${literal}::VARCHAR AS state) TO ${text(folder)} (FORMAT parquet, PARTITION_BY (state), OVERWRITE_OR_IGNORE)`,
        )
        const [name] = readdirSync(folder)
        expect(pathColumnsOf('fact_rate', `${folder}/${name}/data_0.parquet`)).toEqual({ state })
      }),
      { numRuns: 60 },
    )
    connection.closeSync()
    instance.closeSync()
  })
})
