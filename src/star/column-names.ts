/** Which column of a file is meant by a name of the contract. */
import { didYouMean } from '../config/did-you-mean.js'
import { quotedValue } from './unreadable-file.js'

/** A column that stands in a file. */
export interface FileColumn {
  /** As the file writes it. */
  readonly name: string
  /** As the engine takes it: it numbers names that differ only in case. */
  readonly engineName: string
  /** As the engine names it, or what the contract puts in its place (physical-types.ts). */
  readonly type: string
}

/**
 * The columns of a file by the contract's names. Case does not count, nor do blanks and a byte order mark around a
 * name: other tools do not tell such names apart either.
 *
 * @returns for each name the columns that can be meant: one, none, or several that contradict one another
 */
export function columnsByName(names: readonly string[], columns: readonly FileColumn[]): Map<string, FileColumn[]> {
  const found = new Map(names.map((name): [string, FileColumn[]] => [name, []]))
  for (const column of columns) found.get(plainName(column.name))?.push(column)
  for (const column of columns) {
    const first = stemOf(column.name)
    const same = first === undefined ? undefined : found.get(plainName(first))
    if (same?.length === 1 && same[0]?.name !== first) same.push(column)
  }
  return found
}

/**
 * The name that DuckDB was given where it wrote a number behind it: of `City` and `city` it makes `City` and `city_1`.
 * A number behind the same letters, as in `npi` and `npi_1`, is a name like any other: joins leave such columns.
 */
function stemOf(name: string): string | undefined {
  return /^(.+)_\d+$/s.exec(name)?.[1]
}

/** Columns of one name in words. */
export function twinsText(columns: readonly FileColumn[]): string {
  const [first, ...others] = columns.map(({ name }) => name)
  if (first === undefined) return ''
  const numbered = (name: string): string =>
    plainName(name) === plainName(first) ? '' : ` (as DuckDB writes ${quotedValue(stemOf(name) ?? name)} beside it)`
  return [quotedValue(first), ...others.map((name) => quotedValue(name) + numbered(name))].join(' and ')
}

/** A name without what does not count. `trim` takes a byte order mark for a blank. */
function plainName(name: string): string {
  return name.trim().toLowerCase()
}

/** What to say of a missing column where another one was perhaps meant by it: nothing, or one sentence. */
export function wasMeant(column: string, others: readonly string[]): string[] {
  const near = nearMiss(column, others)
  return near === undefined ? [] : [`${quotedValue(near)} is there, was ${column} meant?`]
}

/**
 * The column that was perhaps meant by a name that no column has: one that is the same without its separators
 * (`primaryTaxonomyCode`), begins with it or is begun by it (`primary_taxonomy`), or differs in a few letters.
 */
export function nearMiss(name: string, others: readonly string[]): string | undefined {
  const bare = new Map(others.map((other) => [letters(other), other]))
  const wanted = letters(name)
  const same = bare.get(wanted)
  if (same !== undefined) return same
  const longer = [...bare].find(([other]) => isHead(wanted, other) || isHead(other, wanted))
  if (longer) return longer[1]
  const near = didYouMean(wanted, [...bare.keys()], Math.max(1, Math.floor(wanted.length / 5)))
  return near === undefined ? undefined : bare.get(near)
}

function letters(name: string): string {
  return plainName(name).replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** Short heads are no hint: `code` begins many names. */
function isHead(head: string, name: string): boolean {
  return head.length >= 6 && name.startsWith(head)
}
