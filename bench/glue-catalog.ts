/**
 * How long it takes to register a table of the real star's size in Glue, and how much of the process it takes. moto
 * stands in for Glue, so the figures hold the catalog's own share; real Glue adds its latency, four calls at once. moto
 * gives all partitions in one answer of 150 MB, so a second registration would measure only moto. Needs a Python with moto
 * (`ETL3_PYTHON`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { CATALOG_COLUMNS } from '../src/activities/register-tables.js'
import { configSchema } from '../src/config/schema.js'
import type { PublishedTable } from '../src/lake/catalog.js'
import { AthenaQueries } from '../src/lake/glue/athena.js'
import { GlueCatalog } from '../src/lake/glue/catalog.js'
import { GlueTables } from '../src/lake/glue/tables.js'
import { startMoto } from '../test/aws/moto.js'

const PARTITIONS = 29_425
const SAMPLE_INTERVAL_MS = 50

const { partition_columns: partitionColumns } = configSchema.parse({}).partitioning

/** A manifest with as many partitions as the star has, in values of its shape. */
async function writeManifest(folder: string): Promise<PublishedTable> {
  const manifestPath = join(folder, 'manifest.parquet')
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const values: Readonly<Record<string, string>> = {
    payer_slug: `'payer-' || (i % 5)`,
    state: `chr((65 + i % 26)::INTEGER) || chr((65 + i % 2)::INTEGER)`,
    billing_class: `'professional'`,
    procedure_set: `'Set ' || (i % 12)`,
    procedure_class: `'Class, with comma ' || (i % 40)`,
    primary_taxonomy_code: `'207Q' || (i % 400) || 'X'`,
    stat_area_name: `'Area ' || i || ', TX Metro Area'`,
    year: `'2025'`,
    month: `'08'`,
  }
  const columns = partitionColumns.map((name) => `${values[name]} AS ${name}`)
  const path = partitionColumns.map((name) => `'${name}=' || ${name}`).join(` || '/' || `)
  await connection.run(`COPY (SELECT ${path} || '/fact_rate_enriched.parquet' AS key, *,
      28::BIGINT AS rows, 28::BIGINT AS facts, 11000::BIGINT AS bytes,
      sha256(i::VARCHAR) AS sha256, 'f' AS fingerprint
    FROM (SELECT i, ${columns.join(', ')} FROM range(${PARTITIONS}) t(i))) TO '${manifestPath}' (FORMAT parquet)`)
  connection.closeSync()
  instance.closeSync()
  return {
    table: 'fact_rate_enriched',
    columns: CATALOG_COLUMNS,
    partitionColumns,
    tableUri: 's3://lake/partitioned-data/',
    manifestPath,
    runId: 'run',
    lockNumber: 1,
    figures: {},
  }
}

const folder = mkdtempSync(join(tmpdir(), 'etl3-bench-'))
const moto = await startMoto()
Object.assign(process.env, {
  AWS_ENDPOINT_URL_GLUE: moto.url,
  AWS_ACCESS_KEY_ID: 'testing',
  AWS_SECRET_ACCESS_KEY: 'testing',
})
try {
  const state = await writeManifest(folder)
  const athena = new AthenaQueries({
    region: 'us-east-1',
    database: 'bench',
    workgroup: 'primary',
    outputLocation: undefined,
  })
  const glue = new GlueTables('bench', 'us-east-1')
  const catalog = new GlueCatalog({ glue, athena, table: 'fact_rate_enriched', scratch: folder })
  const before = process.memoryUsage.rss()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, SAMPLE_INTERVAL_MS)
  const began = performance.now()
  const { created } = await catalog.register(state, new AbortController().signal)
  clearInterval(timer)
  const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
  console.log(
    `${created} partitions created in ${((performance.now() - began) / 1000).toFixed(1)} s; ` +
      `resident ${megabytes(before)} MB before, ${megabytes(peak)} MB at most`,
  )
} finally {
  await moto.stop()
  rmSync(folder, { recursive: true, force: true })
}
