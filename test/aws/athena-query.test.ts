/** `etl3 query` where the table lies on S3: Athena's API on the wire. */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { type Config, configSchema } from '../../src/config/schema.js'
import { athenaAnswerToParquet } from '../../src/lake/glue/athena-parquet.js'
import { iamPolicy } from '../../src/lake/iam-policy.js'
import { queryCatalog } from '../../src/lake/queries.js'
import { DIFFICULT, writeSmallLake } from '../unit/lake/duckdb/small-lake.js'
import { GO_ON, lakeFolder } from '../unit/lake/folder/lake-folder.js'
import { awsServers, type GluePlace, gluePlace } from './glue-place.js'

const servers = awsServers()

async function published(): Promise<{ place: GluePlace; config: Config }> {
  const place = gluePlace()
  await place.open().register(await writeSmallLake(DIFFICULT, place), GO_ON)
  const config = configSchema.parse({
    output: { uri: 's3://lake/t/', metadata_uri: 's3://lake/m/' },
    athena: { database: place.database, poll_ms: 50 },
  })
  return { place, config }
}

const SQL =
  "select state, count(*) as n, sum(rate) as total from fact_rate_enriched where stat_area_name like 'Dallas%' group by 1"

describe('a query of a table on S3', () => {
  it('goes through Athena and has numbers, texts and NULL in their places', async () => {
    const { config } = await published()
    const answer = await queryCatalog({ config, sql: `-- a remark\n${SQL};`, signal: GO_ON })
    expect(answer.columns.map(({ name, type }) => [name, type])).toEqual([
      ['state', 'VARCHAR'],
      ['n', 'BIGINT'],
      ['total', 'DOUBLE'],
    ])
    expect(answer.rows).toEqual([['TX', 3, 1]])
    const nulls = await queryCatalog({
      config,
      sql: 'select distinct state from fact_rate_enriched where state is null',
      signal: GO_ON,
    })
    expect(nulls.rows).toEqual([[null]])
  })

  it('reads results of more than one page', async () => {
    const { config } = await published()
    const { rows } = await queryCatalog({ config, sql: 'select * from range(2500)', signal: GO_ON })
    expect(rows).toHaveLength(2500)
    expect(rows.at(-1)).toEqual([2499])
  })

  it('is written as Parquet with the types that Athena names', async () => {
    const { config } = await published()
    const folder = lakeFolder()
    const path = join(folder, 'answer.parquet')
    const sql =
      "select i as n, cast(i as double) / 4 as part, case when i > 0 then 'é' || i end as text from range(2500) t(i)"
    const processing = { ...config.processing, scratch: join(folder, 'scratch') }
    expect(await athenaAnswerToParquet({ config: { ...config, processing }, sql, signal: GO_ON }, path)).toBe(2500)
    const connection = await (await DuckDBInstance.create()).connect()
    const read = await connection.runAndReadAll(
      `SELECT typeof(n), typeof(part), count(*), sum(n), sum(part), count(text), max(text) FROM '${path}' GROUP BY ALL`,
    )
    connection.closeSync()
    expect(read.getRows()).toEqual([['BIGINT', 'DOUBLE', 2500n, 3123750n, 780937.5, 2499n, 'é999']])
  })

  it.each([
    'DROP TABLE fact_rate_enriched',
    'insert into fact_rate_enriched select 1',
    'CREATE TABLE x AS SELECT 1',
    'EXPLAIN ANALYZE INSERT INTO x SELECT 1',
    '/* select */ DELETE FROM x',
    'UNLOAD (select 1) TO ...',
    '',
  ])('that does more than read is not sent: %s', async (sql) => {
    const { config } = await published()
    const before = servers.front.bodies('StartQueryExecution').length
    await expect(queryCatalog({ config, sql, signal: GO_ON })).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-QU-01' }),
    )
    expect(servers.front.bodies('StartQueryExecution')).toHaveLength(before)
  })

  it('shows what Athena says is wrong with it', async () => {
    const { config } = await published()
    await expect(
      queryCatalog({ config, sql: 'select nonsense from fact_rate_enriched', signal: GO_ON }),
    ).rejects.toThrow(expect.objectContaining({ code: 'ETL3-QU-01', message: expect.stringContaining('nonsense') }))
  })

  it('is stopped in Athena when the command is', async () => {
    const { config } = await published()
    servers.athena.looksUntilDone = Number.POSITIVE_INFINITY
    try {
      const abort = new AbortController()
      const asked = queryCatalog({ config, sql: SQL, signal: abort.signal })
      const before = servers.front.bodies('GetQueryExecution').length
      while (servers.front.bodies('GetQueryExecution').length === before) await new Promise((r) => setTimeout(r, 10))
      abort.abort(new Error('stopped by hand'))
      await expect(asked).rejects.toThrow('stopped by hand')
      expect(servers.athena.states.at(-1)).toBe('CANCELLED')
    } finally {
      servers.athena.looksUntilDone = 1
    }
  })

  it('is stopped in Athena when it takes too long', async () => {
    const { config } = await published()
    servers.athena.looksUntilDone = Number.POSITIVE_INFINITY
    try {
      const impatient = { ...config, athena: { ...config.athena, query_timeout_ms: 1 } }
      await expect(queryCatalog({ config: impatient, sql: SQL, signal: GO_ON })).rejects.toThrow(
        expect.objectContaining({ code: 'ETL3-AT-02' }),
      )
      expect(servers.athena.states.at(-1)).toBe('CANCELLED')
    } finally {
      servers.athena.looksUntilDone = 1
    }
  })
})

describe('the policies of writer and reader', () => {
  it('allow every call that a registration and its check query make, and that a query makes', async () => {
    const begin = servers.front.calls.length
    const { place, config } = await published()
    await place.open().register(await writeSmallLake(DIFFICULT.slice(2), { ...place, runId: 'run 2' }), GO_ON)
    await place.open().registeredRun(GO_ON)
    const registered = servers.front.calls.length
    await queryCatalog({ config, sql: SQL, signal: GO_ON })
    const actionsOf = (role: 'reader' | 'writer'): Set<string> =>
      new Set(
        iamPolicy({ config, role, account: '*', partition: 'aws' })
          .Statement.flatMap(({ Action }) => Action)
          .map((action) => action.split(':')[1] ?? ''),
      )
    const missing = (role: 'reader' | 'writer', calls: readonly { readonly operation: string }[]): string[] =>
      calls.map(({ operation }) => operation).filter((operation) => !actionsOf(role).has(operation))
    expect(missing('writer', servers.front.calls.slice(begin))).toEqual([])
    expect(missing('reader', servers.front.calls.slice(registered))).toEqual([])
  })
})
