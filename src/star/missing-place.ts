/** Why nothing is found at a place of the input, in words for its owner. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { isPattern } from '../lake/s3/address.js'
import { statOf } from './folder-tree.js'

/**
 * What is wrong with a place on this machine at which nothing was found, or undefined where its path says it all.
 *
 * @param place as the configuration has it
 */
export function whyMissingInFolder(place: string): string | undefined {
  if (/^~/.test(place))
    return "'~' is a word of the shell: here it is a name like any other; write the home folder in full"
  const drive = /^(?:[a-z]:(?=[\\/])|\\\\)/i.exec(place)?.[0]
  if (drive !== undefined)
    return `'${drive}' begins a path of Windows, and this machine (${process.platform}) has none such`
  const path = resolve(place)
  const missing = firstMissing(path)
  const parent = dirname(missing)
  if (statOf(parent)?.isDirectory() !== true) return `${parent} is a file and no folder`
  const name = basename(missing)
  if (name.includes('\\')) return "a '\\' is a part of a name on this machine; folders are parted by '/'"
  if (isDangling(missing)) return `${missing} is a symbolic link to ${readlinkSync(missing)}, which is not there`
  const similar = similarNames(name, namesIn(parent))
  if (similar.length > 0) return `${parent} ${describeSimilar(name, similar)}`
  if (isPattern(name)) return `nothing in ${parent} matches '${name}'`
  return missing === path ? undefined : `there is no folder ${missing}`
}

/** What a folder holds instead of a name. @param similar of {@link similarNames}, at least one */
export function describeSimilar(name: string, similar: readonly string[]): string {
  const names = similar.map((found) => `'${found}'`).join(', ')
  const sameButCase = similar.some((found) => fold(found) === fold(name))
  return `holds ${names} and no '${name}'${sameButCase ? ': a name counts with its case and its exact characters' : ''}`
}

/** Names that a person may have meant by another one: the same but for case or the spelling of its letters, or for the ending. */
export function similarNames(name: string, names: readonly string[]): string[] {
  const same = names.filter((other) => fold(other) === fold(name))
  return same.length > 0 ? same : names.filter((other) => fold(stem(other)) === fold(stem(name)))
}

function isDangling(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
  } catch {
    // A pattern may be longer than any name.
    return false
  }
}

function fold(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

function stem(name: string): string {
  return name.replace(/\.[^.]*$/, '')
}

function firstMissing(path: string): string {
  const parent = dirname(path)
  return parent === path || statOf(parent) !== undefined ? path : firstMissing(parent)
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // The place is told as missing in any case; without the right to look around nothing can be added.
    return []
  }
}
