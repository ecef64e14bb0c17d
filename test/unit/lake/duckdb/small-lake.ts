/** A small published table, as runs leave it: files, manifest and what the catalog is told. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { CatalogColumn, PublishedTable } from '../../../../src/lake/catalog.js'
import { partitionKey } from '../../../../src/lake/keys.js'

/** Partition columns of the small lake. They are strings, and stand between the others. */
export const PARTITION_COLUMNS = ['payer_slug', 'state', 'stat_area_name', 'month'] as const

/** All columns of the small lake. */
export const COLUMNS: readonly CatalogColumn[] = [
  { name: 'code', type: 'string', comment: "the code; it's text" },
  { name: 'payer_slug', type: 'string', comment: 'who pays' },
  { name: 'stat_area_name', type: 'string', comment: 'where' },
  { name: 'rate', type: 'double', comment: 'dollars' },
  { name: 'state', type: 'string', comment: 'of the provider' },
  { name: 'month', type: 'string', comment: '01 to 12' },
  { name: 'tins', type: 'array<string>', comment: 'tax ids' },
  { name: 'since', type: 'date', comment: 'a day' },
  { name: 'known', type: 'boolean', comment: 'or not' },
  { name: 'weight', type: 'int', comment: 'a number' },
]

/** One partition: its raw values in the order of {@link PARTITION_COLUMNS}, and how many rows it has. */
export interface SmallPartition {
  readonly values: readonly (string | null)[]
  readonly rows: number
}

/** Writes the files and the manifest of a table and tells what the catalog is brought to. */
export async function writeSmallLake(
  partitions: readonly SmallPartition[],
  place: { readonly root: string; readonly tableUri?: string; readonly runId?: string; readonly content?: string },
): Promise<PublishedTable> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  await connection.run(
    `CREATE TABLE manifest (key VARCHAR, ${PARTITION_COLUMNS.map((c) => `${c} VARCHAR`).join(', ')}, rows BIGINT, facts BIGINT,
      bytes BIGINT, sha256 VARCHAR, fingerprint VARCHAR, etag VARCHAR, run_id VARCHAR)`,
  )
  const content = place.content ?? 'A'
  for (const { values, rows } of partitions) {
    const key = partitionKey(PARTITION_COLUMNS, values)
    const path = join(place.root, key)
    rmSync(path, { force: true })
    mkdirSync(dirname(path), { recursive: true })
    // COPY TO takes no parameter; the path has no wildcards to DuckDB, since it only writes.
    await connection.run(
      `COPY (SELECT '${content}' || i AS code, $1::VARCHAR AS payer_slug, $3::VARCHAR AS stat_area_name, i::DOUBLE AS rate,
        $2::VARCHAR AS state, $4::VARCHAR AS month, ['1', NULL, '2'] AS tins, DATE '2024-02-29' AS since, true AS known,
        7::INTEGER AS weight FROM range(${rows}) t(i)) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`,
      [...values],
    )
    await connection.run('INSERT INTO manifest VALUES ($1, $2, $3, $4, $5, $6, 1, 1, $7, $8, $9, $10)', [
      key,
      ...values,
      BigInt(rows),
      `sha of ${rows} ${content}`,
      'fingerprint',
      'etag',
      'run',
    ])
  }
  mkdirSync(dirname(place.root), { recursive: true })
  const folder = mkdtempSync(join(dirname(place.root), 'manifest-'))
  const manifestPath = join(folder, 'manifest.parquet')
  await connection.run(`COPY manifest TO '${manifestPath.replaceAll("'", "''")}' (FORMAT parquet)`)
  connection.closeSync()
  instance.closeSync()
  return {
    table: 'fact_rate_enriched',
    columns: COLUMNS,
    partitionColumns: PARTITION_COLUMNS,
    tableUri: place.tableUri ?? place.root,
    manifestPath,
    runId: place.runId ?? 'run 1',
    lockNumber: 1,
    figures: { rows: partitions.reduce((sum, p) => sum + p.rows, 0), note: "it's fine" },
  }
}

/** Partitions with everything in their values that a path, SQL or a URL could trip over. */
export const DIFFICULT: readonly SmallPartition[] = [
  ['aetna', 'TX', 'Dallas-Fort Worth-Arlington, TX', '07'],
  ['aetna', 'TX', 'Dallas-Fort Worth-Arlington, TX', '08'],
  ['aetna', 'ID', "Coeur d'Alene, ID", '08'],
  ['aetna', null, null, '08'],
  ['aetna', '__NULL__', '__null__', '08'],
  ['aetna', '__HIVE_DEFAULT_PARTITION__', '__Null__', '08'],
  ['bcbs/ga', 'GA', 'a/b/state=TX/c', '08'],
  ['bcbs/ga', 'GA', '100% pure %2F %25 %', '08'],
  ['bcbs/ga', 'GA', 'a+b c', '08'],
  ['bcbs/ga', 'GA', '"quoted" \\ back', '08'],
  ['bcbs/ga', 'GA', 'Zürich 東京 😀', '08'],
  ['bcbs/ga', 'GA', '*?[a-z]{x,y}', '08'],
  ['bcbs/ga', 'GA', ' both ends ', '08'],
  ['bcbs/ga', 'GA', 'tab\tline\nnull\u0000end\u007f', '08'],
  ['bcbs/ga', 'GA', 'semi;colon & (brackets) #hash ^ ~', '08'],
  [null, 'VA', 'Area', null],
].map((values, i) => ({ values, rows: i + 1 }))
