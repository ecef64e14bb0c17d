/** The audit of the input over what {@link runInProcess} wrote, in this process. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { auditInput, type InputAuditFigures } from '../../src/audit/input-audit.js'
import type { AuditedTable } from '../../src/audit/table-rows.js'
import { text } from '../oracle/sql.js'
import type { KeyedEntry } from './run-in-process.js'

/** What to audit. */
export interface AuditInProcessInput {
  /** Root of the star. */
  readonly star: string
  readonly plan: readonly KeyedEntry[]
  readonly partitionColumns: readonly string[]
  /** Folder of the table. */
  readonly out: string
  /** Folder of the staged files. */
  readonly scratch: string
  readonly depth?: 'sample' | 'full'
}

const MB = 1024 * 1024

const PLACES = {
  fact_rate: 'gold/fact_rate',
  dim_code: 'dims/dim_code',
  dim_code_cat: 'dims/dim_code_cat',
  dim_payer: 'dims/dim_payer',
  dim_pos_set: 'dims/dim_pos_set',
  dim_npi: 'dims/dim_npi',
  dim_npi_address: 'dims/dim_npi_address',
  dim_npi_address_geolocation: 'dims/dim_npi_address_geolocation',
  xref_pg_member_npi: 'xrefs/xref_pg_member_npi',
  xref_pg_member_tin: 'xrefs/xref_pg_member_tin',
  bench_medicare_professional: 'bench_medicare_professional',
} as const

/** Audits. @throws IntegrityError as the audit of a run does */
export async function auditInProcess(input: AuditInProcessInput): Promise<InputAuditFigures> {
  const { star, plan, partitionColumns, out, scratch, depth = 'sample' } = input
  const planFile = join(scratch, 'plan.parquet')
  await writePlan(planFile, plan)
  return await auditInput({
    tables: tablesOf(star),
    quarantined: join(scratch, 'staged', 'quarantine.parquet'),
    partitionColumns,
    written: { plan: planFile, fetch: async ({ key }) => join(out, key) },
    plannedRows: plan.reduce((sum, { rows }) => sum + rows, 0),
    depth,
    limits: { chunkBytes: 64 * MB, heapBytes: 64 * MB },
    breathe: async () => {},
  })
}

function tablesOf(star: string): AuditedTable[] {
  const isTable = (name: string): name is keyof typeof PLACES => name in PLACES
  return Object.keys(PLACES)
    .filter(isTable)
    .map((name) => {
      const place = PLACES[name]
      const facts = readdirSync(join(star, 'gold'))
        .sort()
        .map((file) => join(star, 'gold', file))
      const files = name === 'fact_rate' ? facts : [join(star, `${place}.parquet`)].filter((file) => existsSync(file))
      return { name, files: files.map((path, i) => ({ path, local: path, seed: i, pathColumns: new Map() })) }
    })
}

async function writePlan(file: string, plan: readonly KeyedEntry[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const rows = plan.map(({ key, rows: n }, i) => `(${text(key)}, ${n}, 0, ${i}, 'add')`)
    await connection.run(
      `COPY (SELECT * FROM (VALUES ${rows.join(', ')}) t(key, rows, unit, ordinal, action)) TO ${text(file)} (FORMAT parquet)`,
    )
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
