/** The stars that are measured. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeDemoStar, writeLargeStar } from '../src/demo/write-star.js'
import { changeOneGroup } from '../test/check-star/changed-group.js'
import { type StarTables, tablesUnder } from '../test/oracle/oracle-table.js'

/** A star on disk. */
export interface Subject {
  readonly name: 'demo' | 'star' | 'large' | 'partitions'
  readonly title: string
  readonly tables: Readonly<Record<string, string>>
}

const GRAFTED = new Set(['dim_npi', 'dim_npi_address_geolocation'])

/** Every table of the contract; the oracle does not read all of them. */
const TABLES = [...Object.keys(tablesUnder('')), 'dim_provider_group']

/** The demo star: small, and everywhere at hand. */
export async function demoSubject(folder: string): Promise<Subject> {
  const { root } = await writeDemoStar({ out: join(folder, 'demo') })
  return { name: 'demo', title: 'the demo star', tables: placedUnder(root) }
}

/** The real star with grafted dimensions, or undefined where its files are not at hand. */
export function realSubject(folder: string): Subject | undefined {
  if (!existsSync(join(folder, 'fact_rate.parquet'))) return undefined
  const place = (table: string): string => join(folder, GRAFTED.has(table) ? 'grafted' : '', `${table}.parquet`)
  return {
    name: 'star',
    title: 'the real star, grafted',
    tables: Object.fromEntries(TABLES.map((table) => [table, place(table)])),
  }
}

/** The generated star: 3,000,000 facts, about 78 million rows in 77,000 partitions; or a smaller one of its shape. */
export async function largeSubject(folder: string, facts: number, maxMembers?: number): Promise<Subject> {
  const out = join(folder, `large-${facts}-${maxMembers ?? ''}`)
  const { root } = await writeLargeStar({ out, facts, ...(maxMembers === undefined ? {} : { maxMembers }) })
  return { name: 'large', title: `a generated star of ${facts.toLocaleString('en')} facts`, tables: placedUnder(root) }
}

/** The same star, in which one member left a group and another one joined it. */
export async function withChangedGroup(subject: Subject, folder: string): Promise<Subject> {
  const xref = join(folder, `${subject.name}-changed`, 'xref_pg_member_npi.parquet')
  await changeOneGroup(subject.tables, xref)
  return { ...subject, tables: { ...subject.tables, xref_pg_member_npi: xref } }
}

/** Paths of all tables below the root of a star. */
export function placedUnder(root: string): Readonly<Record<string, string>> {
  const placed: StarTables = {
    ...tablesUnder(root),
    dim_provider_group: join(root, 'dims', 'dim_provider_group.parquet'),
  }
  return Object.fromEntries(Object.entries(placed).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
