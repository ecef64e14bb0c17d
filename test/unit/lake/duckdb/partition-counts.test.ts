import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Config, configSchema } from '../../../../src/config/schema.js'
import { openCatalog } from '../../../../src/lake/catalogs.js'
import { queryCatalog } from '../../../../src/lake/queries.js'
import type { QueryResult } from '../../../../src/lake/query.js'
import { GO_ON } from '../folder/lake-folder.js'
import { DIFFICULT, PARTITION_COLUMNS, writeSmallLake } from './small-lake.js'

/** Stands for the table's name: bare, or with its schema. By the latter a query reads the files, whatever it asks. */
const TABLE = 'THE_TABLE'

/** What the partition list knows. */
const OF_PARTITIONS = [
  'select count(*) from THE_TABLE',
  'select count(*) as n from THE_TABLE',
  'select payer_slug, count(*) from THE_TABLE group by all order by 2 desc, 1',
  'select payer_slug, state, count(*) as n from THE_TABLE group by 1, 2 order by n desc, fact_rate_enriched.state nulls first, payer_slug',
  "select t.state, count(*) from THE_TABLE t where t.month = '08' and state is not null group by t.state order by 1",
  "select count(*) from THE_TABLE where payer_slug = 'nobody'",
  "select state, count(*) from THE_TABLE where payer_slug = 'nobody' group by state",
  "select upper(state) as s, count(*) filter (where month = '08') as august from THE_TABLE group by s order by s nulls last limit 3",
  'select distinct stat_area_name from THE_TABLE order by 1 nulls first',
  'select count(distinct state), min(month), max(stat_area_name) from THE_TABLE having count(*) > 1',
  'select state, month, count(*) from THE_TABLE group by rollup (state, month) order by 1 nulls first, 2 nulls first, 3',
  'select state from THE_TABLE group by state having count(*) between 2 and 100 order by count(*) desc, state',
  'SELECT Payer_Slug, COUNT(*) FROM THE_TABLE GROUP BY Payer_Slug ORDER BY count(*), payer_slug offset 1',
]

/** What it does not know, or what may mean something else there. */
const OF_FILES = [
  'select state from THE_TABLE order by state',
  'select * from THE_TABLE',
  'select count(code) from THE_TABLE',
  'select count(state) from THE_TABLE',
  'select state, avg(rate) from THE_TABLE group by state',
  'select count(*) from THE_TABLE where rate > 1',
  'select count(*) as rate from THE_TABLE group by state order by rate',
  'select count(*) as rows, state from THE_TABLE group by state having rows > 1',
  'select sum(rows) from THE_TABLE group by bytes',
  'select state, row_number() over (order by count(*)) from THE_TABLE group by state',
  'select n from (select count(*) as n from THE_TABLE)',
  'with a as (select 1) select count(*) from THE_TABLE',
  'select count(*) from THE_TABLE using sample 50 percent',
  'select count(*) from THE_TABLE a, THE_TABLE b',
  'select distinct on (state) state, month from THE_TABLE',
  'select list(state) from THE_TABLE group by state',
  'select string_agg(state) from THE_TABLE',
  'select count(*) from THE_TABLE where length(state) < 9007199254740993',
  'select state, count(*) + 1 from THE_TABLE group by state',
]

describe('a count of rows by partition columns', () => {
  let config: Config
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'etl3-counts-'))
    config = configSchema.parse({
      output: { uri: join(folder, 'table'), metadata_uri: join(folder, 'etl3') },
      processing: { scratch: join(folder, 'scratch') },
    })
    const catalog = await openCatalog(config)
    await catalog.register(await writeSmallLake(DIFFICULT, { root: join(folder, 'table') }), GO_ON)
    return () => rmSync(folder, { recursive: true, force: true })
  })

  const ask = async (question: string, name = 'fact_rate_enriched'): Promise<Pick<QueryResult, 'columns' | 'rows'>> => {
    const { columns, rows } = await queryCatalog({ config, sql: question.replaceAll(TABLE, name), signal: GO_ON })
    return { columns, rows }
  }
  const askFiles = (question: string) => ask(question, `${config.athena.database}.fact_rate_enriched`)

  it('says what the files say: values, names and types, in the same order', async () => {
    for (const question of OF_PARTITIONS)
      expect({ question, ...(await ask(question)) }).toEqual({ question, ...(await askFiles(question)) })
  })

  it('says so whatever the columns, the condition and the order', async () => {
    const column = fc.constantFrom(...PARTITION_COLUMNS)
    const literal = fc
      .constantFrom(
        ...DIFFICULT.flatMap(({ values }) =>
          values.filter((value): value is string => value !== null && !value.includes('\0')),
        ),
      )
      .map((value) => `'${value.replaceAll("'", "''")}'`)
    const condition = fc.oneof(
      fc.tuple(column, literal).map(([name, value]) => `${name} = ${value}`),
      column.map((name) => `${name} is null`),
      fc.tuple(column, literal).map(([name, value]) => `not (${name} > ${value} or ${name} = 'TX')`),
      fc.tuple(column, literal).map(([name, value]) => `starts_with(${name}, left(${value}, 2))`),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(column, { minLength: 1 }),
        condition,
        condition,
        fc.boolean(),
        async (names, where, filter, having) => {
          const places = names.map((_, i) => `${i + 1} nulls first`).join(', ')
          const question = `select ${names.join(', ')}, count(*), count(*) filter (where ${filter}) from THE_TABLE where ${where}
          group by ${names.join(', ')} ${having ? 'having count(*) > 1' : ''} order by ${places}`
          expect(await ask(question)).toEqual(await askFiles(question))
        },
      ),
      { numRuns: 15 },
    )
  })

  it('opens no file, and every other question opens them', async () => {
    const due: unknown[] = []
    for (const question of OF_PARTITIONS) due.push(await askFiles(question))
    const outcomes: string[] = []
    renameSync(join(folder, 'table'), join(folder, 'elsewhere'))
    try {
      for (const [i, question] of OF_PARTITIONS.entries()) expect(await ask(question)).toEqual(due[i])
      for (const question of OF_FILES) {
        const outcome = await ask(question).then(
          () => `answered: ${question}`,
          (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
        )
        outcomes.push(outcome)
      }
    } finally {
      renameSync(join(folder, 'elsewhere'), join(folder, 'table'))
    }
    expect(outcomes).toEqual(OF_FILES.map(() => 'ETL3-QU-04'))
  })
})
