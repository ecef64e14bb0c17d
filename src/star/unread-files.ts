/**
 * Parquet files that lie where the input lies and that no table reads: a second file of facts beside `fact_rate.parquet`,
 * part files in a folder that no pattern names. Left out without a word, most of the facts may be missing.
 */
import { opendirSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { TableName } from '../config/schema.js'
import { isPattern, literalHead } from '../lake/s3/address.js'
import { InputError } from '../runtime/errors.js'
import { countText } from '../runtime/figures.js'
import { CONTRACT } from './contract.js'
import { identityOf } from './distinct-files.js'
import { FolderTree } from './folder-tree.js'
import { findFiles } from './input-tree.js'
import { patternOf } from './path-pattern.js'
import { beginsAsParquet } from './unreadable-file.js'

/** A table of the input, as far as it was looked for on this machine. */
export interface PlacedTable {
  readonly name: TableName
  /** As the configuration has it. */
  readonly place: string
  /** Whether the place was named by itself; else it follows from `input.root`. */
  readonly named: boolean
  /** Absolute paths of the files that are read; none where the table is not there. */
  readonly files: readonly string[]
}

/** What lies beside a table and is not read. */
export interface Unread {
  /** The table that it most likely belongs to. */
  readonly table: TableName | undefined
  readonly folder: string
  /** Names in the folder, of files and of folders that hold Parquet files. */
  readonly names: readonly string[]
  /** The pattern that reads the table's files and these as well, to be written into `input.tables`. */
  readonly pattern: string | undefined
}

/** A folder is looked into for this many names, to tell whether it holds Parquet files. */
const MOST_LOOKED_AT = 1_000

/**
 * What is left out beside the tables' files. Under `input.root` every Parquet file counts, beside a place that was named
 * by itself only those that are named alike.
 * @param others folders that are not the input's, wherever they lie: the table that is written, records, scratch
 */
export function findUnread(tables: readonly PlacedTable[], others: readonly string[]): Unread[] {
  const read = new ReadFiles(tables)
  const notInput = others.map((place) => resolve(place))
  const isOther = (path: string): boolean => notInput.some((place) => `${place}${sep}`.startsWith(`${path}${sep}`))
  const unread: Unread[] = []
  for (const folder of new Set(tables.flatMap(foldersOf))) {
    const here = tables.filter((table) => foldersOf(table).includes(folder))
    const everything = here.some(({ named }) => !named)
    const byTable = new Map<TableName | undefined, string[]>()
    for (const name of namesIn(folder)) {
      const path = join(folder, name)
      const table = likeliest(name, here)
      if ((!everything && table === undefined) || isOther(path) || isOfAnother(name, table)) continue
      if (read.has(path) || !holdsParquet(path)) continue
      byTable.set(table?.name, [...(byTable.get(table?.name) ?? []), name])
    }
    for (const [name, names] of byTable) {
      const table = here.find((one) => one.name === name)
      unread.push({ table: name, folder, names, pattern: table && patternFor(table, folder, names) })
    }
  }
  return unread
}

/** The same for a root whose tables lie where the contract has them, before there is a configuration. */
export function findUnreadUnder(root: string, others: readonly string[]): Unread[] {
  const tree = new FolderTree()
  try {
    const tables = CONTRACT.map(({ name, path }): PlacedTable => {
      const place = join(root, path)
      return { name, place, named: false, files: findFiles(tree, resolve(place), '/')?.files ?? [] }
    })
    return findUnread(tables, others)
  } catch (error) {
    // What cannot be read is the business of doctor and run, which say so.
    if (error instanceof InputError) return []
    throw error
  }
}

/** A sentence for the owner of the input. */
export function unreadNotice({ table, folder, names, pattern }: Unread): string {
  const shown = names.slice(0, 3).join(', ')
  const more = names.length > 3 ? ` and ${countText(names.length - 3)} more` : ''
  const what = `${table ?? 'the input'} leaves out ${shown}${more} in ${folder}`
  if (pattern !== undefined) return `${what}; set input.tables.${table} to '${pattern}' to read that as well`
  return table === undefined
    ? `${what}: no table reads that`
    : `${what}; to read that as well, put all files of the table into a folder and name it in input.tables.${table}`
}

/** The folders in which a table's files lie, or would. */
function foldersOf({ place, files }: PlacedTable): string[] {
  const folders = isPattern(place) ? files.map((file) => dirname(file)) : [dirname(resolve(place))]
  return [...new Set(folders)]
}

/** The table whose file is named alike: that with the longest such name. Where facts lie alone, all files are facts. */
function likeliest(name: string, tables: readonly PlacedTable[]): PlacedTable | undefined {
  const alike = tables
    .filter((table) => stemsOf(table).some((stem) => fold(name).startsWith(stem)))
    .sort((a, b) => longest(stemsOf(b)) - longest(stemsOf(a)))[0]
  const [only] = tables
  return alike ?? (tables.length === 1 && only?.named === false && only.name === 'fact_rate' ? only : undefined)
}

/** Whether a file has the name of another table, which is read elsewhere: that name says more than this table's. */
function isOfAnother(name: string, table: PlacedTable | undefined): boolean {
  if (!table) return false
  const known = longest(stemsOf(table).filter((stem) => fold(name).startsWith(stem)))
  return CONTRACT.some(
    (other) => other.name !== table.name && other.name.length > known && fold(name).startsWith(other.name),
  )
}

function stemsOf({ name, place }: PlacedTable): string[] {
  const stem = literalHead(basename(place)).replace(/\.[^.]*$/, '')
  return [fold(name), ...(stem === '' ? [] : [fold(stem)])]
}

function longest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length))
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/** The narrowest pattern that means the table's files in the folder and the others, or undefined where none does. */
function patternFor({ name, place, files }: PlacedTable, folder: string, names: readonly string[]): string | undefined {
  const own = files.filter((file) => dirname(file) === folder).map((file) => basename(file))
  const beside = isPattern(place) ? folder : dirname(place)
  const meant = new Set([...own, ...names])
  const isRight = (pattern: string): boolean => {
    const matching = patternOf(pattern)
    const found = namesIn(folder).filter((one) => matching.test(one))
    return found.length === meant.size && found.every((one) => meant.has(one))
  }
  const pattern = [`${name}*.parquet`, `${sharedStart([...meant])}*.parquet`].find(isRight)
  return pattern === undefined ? undefined : join(beside, pattern)
}

/** With what all names begin; nothing that a pattern reads in another way than as it stands. */
function sharedStart([first = '', ...others]: readonly string[]): string {
  const [head = ''] = first.split(/[*?[]/, 1)
  let length = head.length
  for (const other of others) while (!other.startsWith(head.slice(0, length))) length -= 1
  return others.length === 0 ? '' : head.slice(0, length)
}

class ReadFiles {
  #identities: ReadonlySet<string> | undefined
  readonly #files: ReadonlySet<string>
  readonly #folders = new Set<string>()
  readonly #places: ReadonlySet<string>

  constructor(tables: readonly PlacedTable[]) {
    const files = tables.flatMap((table) => table.files)
    this.#files = new Set(files)
    this.#places = new Set(tables.map(({ place }) => resolve(place)))
    for (const file of files)
      for (let folder = dirname(file); !this.#folders.has(folder); folder = dirname(folder)) this.#folders.add(folder)
  }

  /** Whether a file is read, also by another name, or something below a folder is. */
  has(path: string): boolean {
    if (this.#files.has(path) || this.#folders.has(path) || this.#places.has(path)) return true
    this.#identities ??= new Set([...this.#files].map(identityOf))
    return this.#identities.has(identityOf(path))
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !/^[._]/.test(name))
      .sort()
  } catch {
    // Whoever may read the files alone may still run.
    return []
  }
}

function holdsParquet(path: string): boolean {
  try {
    const stat = statSync(path)
    if (stat.isFile()) return /\.parquet$/i.test(path) || beginsAsParquet(path)
    return stat.isDirectory() && folderHoldsParquet(path)
  } catch {
    return false
  }
}

function folderHoldsParquet(folder: string): boolean {
  const entries = opendirSync(folder, { recursive: true })
  try {
    for (let looked = 0; looked < MOST_LOOKED_AT; looked++) {
      const entry = entries.readSync()
      if (entry === null) return false
      const below = join(entry.parentPath, entry.name).slice(folder.length).split(sep)
      if (entry.isFile() && /\.parquet$/i.test(entry.name) && !below.some((part) => /^[._]/.test(part))) return true
    }
    return false
  } finally {
    entries.closeSync()
  }
}
