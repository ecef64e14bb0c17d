/** Runs that keep the analytics table on S3: it is a third table of Glue, and pyiceberg reads it from there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance, type Json } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GlueTables } from '../../src/lake/glue/tables.js'
import { demoStar, type StarOnDisk, withChangedGroup } from '../e2e/support/stars.js'
import { filesUnder } from '../oracle/compare-table.js'
import { text } from '../oracle/sql.js'
import { PyIceberg } from '../unit/iceberg/pyiceberg.js'
import { GO_ON, lakeFolder } from '../unit/lake/folder/lake-folder.js'
import { REGION } from './glue-place.js'
import { type Moto, startMoto } from './moto.js'
import { S3Home } from './support/s3-home.js'
import { CREDENTIAL_VARIABLES, type S3Server, startVersitygw } from './support/servers.js'

/** Two hundred partitions or so. */
const PARTITIONING = { partition_columns: ['payer_slug', 'state', 'billing_class', 'procedure_set', 'month'] }
/** A few wrong facts are a large share of so small a star. */
const QUALITY = { rules: { rate_range: { severity: 'warn' } } }

let server: S3Server
let glue: Moto
let star: StarOnDisk

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
  glue = await startMoto()
  process.env['AWS_ENDPOINT_URL_GLUE'] = glue.url
  star = await demoStar(120)
})

afterAll(async () => {
  await Promise.all([server.stop(), glue.stop()])
})

it('is the table that pyiceberg reads from Glue, with the rows of the other one, after each run', async () => {
  await using home = await S3Home.make(server, star.options)
  const database = home.bucket.replaceAll('-', '_')
  const configure = ({ options }: StarOnDisk): void =>
    home.configure({
      ...options,
      analytics: { enabled: true },
      athena: { analytics_table: 'rates' },
      partitioning: PARTITIONING,
      data_quality: QUALITY,
    })
  const reader = new PyIceberg(`${database}.rates`, { glue: true, properties: readerProperties() })
  const found = async (): Promise<Record<string, string> | undefined> =>
    (await new GlueTables(database, REGION).find('rates', GO_ON))?.Parameters

  configure(star)
  const first = await home.start().result()
  expect(first.status).toBe('published')
  expect(await differences(home, reader)).toEqual([])
  const parameters = await found()
  expect(first.analytics).toMatchObject({
    table: `${database}.rates`,
    uri: `s3://${home.bucket}/lake/rates`,
    inGlue: true,
    rows: first.rows,
    committed: { removed: 0, metadataFile: parameters?.['metadata_location'] },
  })
  const { ledger }: { ledger: unknown } = JSON.parse(
    readFileSync(join(home.metadata, 'runs', first.runId, 'receipt.json'), 'utf8'),
  )
  const snapshotId = first.analytics?.committed?.snapshotId
  expect(ledger).toMatchObject({ rows: first.rows, analytics: { snapshotId, rows: first.rows } })
  expect(parameters).toMatchObject({
    table_type: 'ICEBERG',
    metadata_location: expect.stringMatching(
      new RegExp(`^s3://${home.bucket}/lake/rates/metadata/.*\\.metadata\\.json$`),
    ),
    'etl3.run_id': first.runId,
  })

  expect((await home.start().result()).status).toBe('unchanged')
  expect(await found()).toEqual(parameters)

  const { star: changed } = await withChangedGroup(star)
  configure(changed)
  const second = await home.start().result()
  expect(await differences(home, reader)).toEqual([])
  const { snapshots } = await reader.describe()
  expect(snapshots.map(([, , summary]) => summary['etl3.run-id'])).toEqual([first.runId, second.runId])
})

function readerProperties(): Record<string, string> {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = CREDENTIAL_VARIABLES
  return {
    'glue.endpoint': glue.url,
    'glue.region': REGION,
    'glue.access-key-id': id,
    'glue.secret-access-key': secret,
    's3.endpoint': server.endpoint,
    's3.region': REGION,
    's3.access-key-id': id,
    's3.secret-access-key': secret,
  }
}

/** Rows that one of the two tables has more often than the other. */
async function differences(home: S3Home, reader: PyIceberg): Promise<Json[][]> {
  const saved = join(lakeFolder(), 'rows.parquet')
  await reader.save(saved)
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const files = filesUnder(home.table).map(text)
    await connection.run(`CREATE TABLE these AS FROM read_parquet([${files.join(', ')}], hive_partitioning = false)`)
    await connection.run(
      `CREATE VIEW those AS (FROM these LIMIT 0) UNION ALL BY NAME FROM read_parquet(${text(saved)})`,
    )
    const counted = await connection.runAndReadAll('SELECT count(*) > 100 FROM these')
    expect(counted.getRowsJson()).toEqual([[true]])
    const found = await connection.runAndReadAll(
      '(FROM these EXCEPT ALL FROM those) UNION ALL (FROM those EXCEPT ALL FROM these) LIMIT 3',
    )
    return found.getRowsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
