/** Stars for runs of a few seconds: the demo star, and the same with one group's members changed. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { writeDemoStar } from '../../../src/demo/write-star.js'
import { type ChangedGroup, changeOneGroup } from '../../check-star/changed-group.js'
import { type StarTables, tablesUnder } from '../../oracle/oracle-table.js'
import type { HomeOptions } from './home.js'

/** A star on disk. */
export interface StarOnDisk {
  readonly root: string
  /** For the oracle. */
  readonly tables: StarTables
  /** For the configuration: all files of facts, not only the first one. */
  readonly options: HomeOptions
}

/** Writes a demo star of about so many facts to a new folder. */
export async function demoStar(facts: number): Promise<StarOnDisk> {
  const root = join(mkdtempSync(join(tmpdir(), 'etl3-star-')), 'star')
  const { factGlob } = await writeDemoStar({ out: root, facts, seed: 1 })
  const tables = { ...tablesUnder(root), fact_rate: factGlob }
  return { root, tables, options: { star: root, input: { tables: { fact_rate: factGlob } } } }
}

/** The same star in which about a seventh of the rates, and a third of Medicare's for states, are not numbers. */
export async function withoutNumbers(star: StarOnDisk): Promise<StarOnDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-nan-'))
  const fact_rate = join(folder, 'fact_rate.parquet')
  const bench_medicare_professional = join(folder, 'bench_medicare_professional.parquet')
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const copy = (from: string | undefined, to: string, column: string, every: number): Promise<unknown> =>
    connection.run(`COPY (
      SELECT * REPLACE (CASE WHEN hash(${column}) % ${every} = 0 THEN 'nan' ELSE ${column} END AS ${column})
      FROM read_parquet('${from}', union_by_name = true)) TO '${to}' (FORMAT parquet)`)
  await copy(star.tables['fact_rate'], fact_rate, 'negotiated_rate', 7)
  await copy(star.tables['bench_medicare_professional'], bench_medicare_professional, 'medicare_prof_stateavg', 3)
  connection.closeSync()
  instance.closeSync()
  const tables = { fact_rate, bench_medicare_professional }
  return { root: star.root, tables: { ...star.tables, ...tables }, options: { star: star.root, input: { tables } } }
}

/** The same star with one member who leaves a group and another one who joins it. */
export async function withChangedGroup(star: StarOnDisk): Promise<{ star: StarOnDisk; change: ChangedGroup }> {
  const xref = join(dirname(star.root), 'changed', 'xref_pg_member_npi.parquet')
  const change = await changeOneGroup(star.tables, xref)
  const { fact_rate, xref_pg_member_npi: _, ...others } = star.tables
  const tables = { ...others, fact_rate, xref_pg_member_npi: xref }
  const options = { star: star.root, input: { tables: { fact_rate, xref_pg_member_npi: xref } } }
  return { star: { root: star.root, tables, options }, change }
}
