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
  return found
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
