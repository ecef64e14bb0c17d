/** Stars for runs of a few seconds: the demo star, and the same with one group's members changed. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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

/** The same star with one member who leaves a group and another one who joins it. */
export async function withChangedGroup(star: StarOnDisk): Promise<{ star: StarOnDisk; change: ChangedGroup }> {
  const xref = join(dirname(star.root), 'changed', 'xref_pg_member_npi.parquet')
  const change = await changeOneGroup(star.tables, xref)
  const { fact_rate, xref_pg_member_npi: _, ...others } = star.tables
  const tables = { ...others, fact_rate, xref_pg_member_npi: xref }
  const options = { star: star.root, input: { tables: { fact_rate, xref_pg_member_npi: xref } } }
  return { star: { root: star.root, tables, options }, change }
}
