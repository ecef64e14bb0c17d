/** The same star in files as other tools lay them out: folders of parts, columns in the path, names that are patterns. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import type { Star, StarTable, StarValue } from './star.js'
import { writeStar } from './star.js'

/** How one table lies: a file; parts in a folder; parts in folders of it; parts in folders that hold columns. */
const LAYOUTS = ['file', 'parts', 'nested', 'in path'] as const
type Layout = (typeof LAYOUTS)[number]

/** One layout for each table, by its place in the star. */
export const layouts: fc.Arbitrary<readonly Layout[]> = fc.array(fc.constantFrom(...LAYOUTS), {
  minLength: 12,
  maxLength: 12,
})

/** Columns that stand in the path, where a table is laid out so. */
const IN_PATH: Readonly<Record<string, readonly string[]>> = {
  'gold/fact_rate': ['year_month', 'state'],
  'dims/dim_code': ['code_type'],
  'dims/dim_npi': ['primary_taxonomy_code'],
  'dims/dim_npi_address_geolocation': ['state'],
  bench_medicare_professional: ['data_year'],
}

/**
 * Writes a star oddly. What a writer leaves beside its files is there as well, and where names hold wildcards, files
 * that are no Parquet lie where the pattern would lead.
 *
 * @param root a folder whose name is a pattern
 * @param led the folder that this pattern would lead to
 */
export async function writeOddly(root: string, led: string, star: Star, chosen: readonly Layout[]): Promise<void> {
  const files: Record<string, StarTable> = {}
  for (const [i, [name, table]] of Object.entries(star).entries())
    Object.assign(files, laidOut(name, table, chosen[i % chosen.length] ?? 'file'))
  await writeStar(root, files)
  for (const name of Object.keys(files)) {
    const decoy = join(led, `${name.replace(/\[(.).*?\]/g, '$1')}.parquet`)
    mkdirSync(dirname(decoy), { recursive: true })
    writeFileSync(decoy, 'not Parquet')
    if (!name.includes('.parquet/')) continue
    const folder = join(root, name.slice(0, name.indexOf('.parquet/')))
    writeFileSync(join(`${folder}.parquet`, '_SUCCESS'), '')
    writeFileSync(join(`${folder}.parquet`, '._SUCCESS.crc'), 'crc')
    // What an attempt that failed leaves: rows that must not count.
    mkdirSync(join(`${folder}.parquet`, '_temporary/0'), { recursive: true })
    cpSync(join(root, `${name}.parquet`), join(`${folder}.parquet`, '_temporary/0/part-9.parquet'))
    cpSync(join(root, `${name}.parquet`), join(`${folder}.parquet`, '.part-9.parquet'))
  }
}

function laidOut(name: string, table: StarTable, layout: Layout): Record<string, StarTable> {
  const columns = (IN_PATH[name] ?? []).filter((column) => column in table.columns)
  if (layout === 'in path' && columns.length > 0 && table.rows.length > 0) return inPath(name, table, columns)
  const half = (remainder: number): StarTable => ({ ...table, rows: table.rows.filter((_, i) => i % 2 === remainder) })
  switch (layout) {
    case 'file':
      return { [name]: table }
    case 'parts':
    case 'in path':
      return { [`${name}.parquet/part-0`]: half(0), [`${name}.parquet/part-[01]`]: half(1) }
    case 'nested':
      return { [`${name}.parquet/a[1]/part`]: half(0), [`${name}.parquet/a1/deeper/part`]: half(1) }
  }
}

function inPath(name: string, table: StarTable, columns: readonly string[]): Record<string, StarTable> {
  const kept = Object.fromEntries(Object.entries(table.columns).filter(([column]) => !columns.includes(column)))
  const parts: Record<string, { columns: StarTable['columns']; rows: StarTable['rows'][number][] }> = {}
  for (const row of table.rows) {
    const folders = columns.map((column) => `${column}=${hiveText(row[column] ?? null)}`)
    const part = `${name}.parquet/${folders.join('/')}/part`
    parts[part] ??= { columns: kept, rows: [] }
    parts[part].rows.push(row)
  }
  return parts
}

/** As Hive writes a value into a path, and DuckDB what is not ASCII: `%` and two digits for each byte. */
function hiveText(value: StarValue): string {
  if (value === null) return '__HIVE_DEFAULT_PARTITION__'
  const text = String(value).replace(/[^A-Za-z0-9_-]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
  return text === '__HIVE_DEFAULT_PARTITION__' ? text.replace('_', '%5F') : text
}
