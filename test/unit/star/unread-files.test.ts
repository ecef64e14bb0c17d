import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CONTRACT } from '../../../src/star/contract.js'
import { findUnread, findUnreadUnder, type PlacedTable, unreadNotice } from '../../../src/star/unread-files.js'
import { testFolder } from '../config/config-file.js'

/** A root with each table of the contract in its place, and what else is named. */
function rootWith(...more: readonly string[]): string {
  const root = testFolder()
  for (const path of [...CONTRACT.map((table) => table.path), ...more]) put(join(root, path))
  return root
}

function put(path: string, bytes = 'PAR1 and so on'): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

describe('Parquet files that no table reads', () => {
  it('are none in a star that has each table in its place, whatever else lies there', () => {
    const root = rootWith('dims/_hidden.parquet', 'gold/.fact_rate.parquet')
    for (const path of ['star.json', 'gold/README.md', 'dims/notes.txt']) put(join(root, path), 'text')
    expect(findUnreadUnder(root, [])).toEqual([])
  })

  it('are further files of facts, with the pattern that reads all of them', () => {
    const root = rootWith('gold/fact_rate_2.parquet', 'gold/fact_rate_3.parquet')
    const [unread, ...others] = findUnreadUnder(root, [])
    expect(others).toEqual([])
    expect(unread).toEqual({
      table: 'fact_rate',
      folder: join(root, 'gold'),
      names: ['fact_rate_2.parquet', 'fact_rate_3.parquet'],
      pattern: join(root, 'gold/fact_rate*.parquet'),
    })
    expect(unread && unreadNotice(unread)).toBe(
      `fact_rate leaves out fact_rate_2.parquet, fact_rate_3.parquet in ${root}/gold; ` +
        `set input.tables.fact_rate to '${root}/gold/fact_rate*.parquet' to read that as well`,
    )
  })

  it('beside the facts are facts, whatever their names', () => {
    const root = rootWith('gold/part-1.parquet')
    expect(findUnreadUnder(root, [])).toMatchObject([
      { table: 'fact_rate', names: ['part-1.parquet'], pattern: join(root, 'gold/*.parquet') },
    ])
  })

  it('of a dimension belong to the table with the longest name that fits, and no pattern is proposed that reads another', () => {
    const root = rootWith('dims/dim_npi_2.parquet', 'dims/dim_npi_address_geolocation_old.parquet')
    const unread = findUnreadUnder(root, [])
    expect(unread.map(({ table, pattern }) => [table, pattern])).toEqual([
      ['dim_npi', undefined],
      ['dim_npi_address_geolocation', join(root, 'dims/dim_npi_address_geolocation*.parquet')],
    ])
    expect(unread[0] && unreadNotice(unread[0])).toContain('put all files of the table into a folder')
  })

  it('with the name of another table, which is read elsewhere, are left out by none', () => {
    const root = testFolder()
    const at = (path: string): string => join(root, path)
    for (const path of ['dim_npi_address.parquet', 'dim_npi_address_geolocation.parquet', 'dim_npi_address_2.parquet'])
      put(at(path))
    put(at('elsewhere/dim_npi_address_geolocation.parquet'))
    const placed = (name: PlacedTable['name'], path: string): PlacedTable => ({
      name,
      place: at(path),
      named: true,
      files: [at(path)],
    })
    const tables = [
      placed('dim_npi_address', 'dim_npi_address.parquet'),
      placed('dim_npi_address_geolocation', 'elsewhere/dim_npi_address_geolocation.parquet'),
    ]
    expect(findUnread(tables, []).map(({ table, names }) => [table, names])).toEqual([
      ['dim_npi_address', ['dim_npi_address_2.parquet']],
    ])
  })

  it('are told without a table where none fits, and are known by their first bytes as well', () => {
    const root = rootWith('dims/extra', 'more/part-0.parquet')
    expect(findUnreadUnder(root, []).map(({ table, names }) => [table, names])).toEqual([
      [undefined, ['extra']],
      [undefined, ['more']],
    ])
  })

  it('are not those of the lake, wherever it lies', () => {
    const root = rootWith('lake/table/state=TX/rows.parquet')
    expect(findUnreadUnder(root, [join(root, 'lake/table'), join(root, 'lake/etl3')])).toEqual([])
  })

  it('are not other names of files that are read', () => {
    const root = rootWith()
    symlinkSync(join(root, 'gold/fact_rate.parquet'), join(root, 'gold/by-link.parquet'))
    linkSync(join(root, 'gold/fact_rate.parquet'), join(root, 'gold/by-hard-link.parquet'))
    expect(findUnreadUnder(root, [])).toEqual([])
  })

  it('count beside a place that was named by itself only where they are named alike', () => {
    const folder = testFolder()
    for (const name of ['rates-1.parquet', 'rates-2.parquet', 'fact_rate_old.parquet', 'mine.parquet'])
      put(join(folder, name))
    const table = (place: string, files: readonly string[]): PlacedTable => ({
      name: 'fact_rate',
      place: join(folder, place),
      named: true,
      files: files.map((name) => join(folder, name)),
    })
    const namesBeside = (...of: Parameters<typeof table>): readonly string[] =>
      findUnread([table(...of)], []).flatMap(({ names }) => names)
    expect(namesBeside('rates-1.parquet', ['rates-1.parquet'])).toEqual(['fact_rate_old.parquet'])
    expect(namesBeside('rates-[1].parquet', ['rates-1.parquet'])).toEqual(['fact_rate_old.parquet', 'rates-2.parquet'])
    expect(namesBeside('rates-*.parquet', ['rates-1.parquet', 'rates-2.parquet'])).toEqual(['fact_rate_old.parquet'])
    expect(namesBeside('nothing-here.parquet', [])).toEqual(['fact_rate_old.parquet'])
  })
})
