/** Which files a place of the input means: the file of that name, the part files of the folder of that name, or what a pattern finds. */
import { isPattern } from '../lake/s3/address.js'
import { ANY_FOLDERS, patternOf } from './path-pattern.js'

/** Files and folders, on this machine or in a bucket. Paths are '/'-separated. */
export interface InputTree {
  /** What lies under a path; a file where both do, as in a bucket. @throws InputError ETL3-IN-06 where that cannot be told */
  kindOf(path: string): 'file' | 'folder' | undefined
  /** Names in a folder. @throws InputError ETL3-IN-06 where it cannot be read */
  namesIn(folder: string): readonly string[]
  /** The path of a name in a folder. */
  join(folder: string, name: string): string
  /** Whether a `**` that is only a part of a name crosses folders. */
  readonly crossesFolders: boolean
}

/** What a place means. */
export interface FoundFiles {
  readonly how: 'file' | 'folder' | 'pattern'
  /** In the order of their paths. */
  readonly files: readonly string[]
  /** Of files that look like Parquet and were passed over, because their names are hidden. */
  readonly hidden: readonly string[]
  /** Folders that the pattern matches, and that were passed over, because it matches files as well. */
  readonly passedFolders: readonly string[]
  /** What keeps a log of its files in the folder: then the files alone are not the table. */
  readonly format: string | undefined
}

/**
 * Finds the files of a place.
 *
 * A name that exists counts as it stands, whatever it holds; only else it is a pattern. In a folder all files count, at
 * any depth, but the hidden ones.
 *
 * @param path whole path of the place in the tree
 * @param root path that needs no looking at: `/`, or the whole bucket
 */
export function findFiles(tree: InputTree, path: string, root: string): FoundFiles | undefined {
  const kind = tree.kindOf(path)
  const walk = new Walk(tree)
  if (kind === 'file') return walk.found('file', [path])
  if (kind === 'folder') return walk.found('folder', walk.partFiles(path))
  if (!isPattern(path)) return undefined
  const segments = path.slice(root.length).split('/')
  return walk.found('pattern', walk.meant([...new Set(walk.matches(root, segments))]))
}

/**
 * Whether Spark passes a name over (`HadoopFSUtils.shouldFilterOutPathName`); Hive and Athena do as well. A folder
 * `_a=1` is a partition by a column `_a`.
 */
function isHidden(name: string): boolean {
  return name.startsWith('.') || (name.startsWith('_') && !name.includes('=')) || /\._COPYING_$|_\$folder\$$/.test(name)
}

/** The formats of tables that say elsewhere which files in their folder count: they also keep files that no longer do. */
const LOG_FOLDERS: Readonly<Record<string, string>> = { _delta_log: 'Delta Lake', '.hoodie': 'Hudi' }
const ICEBERG_METADATA = /\.metadata\.json$/

class Walk {
  readonly #tree: InputTree
  readonly #hidden: string[] = []
  readonly #passedFolders: string[] = []
  #format: string | undefined

  constructor(tree: InputTree) {
    this.#tree = tree
  }

  found(how: FoundFiles['how'], files: Iterable<string>): FoundFiles {
    return {
      how,
      files: [...new Set(files)].sort(byBytes),
      hidden: this.#hidden,
      passedFolders: this.#passedFolders,
      format: this.#format,
    }
  }

  /** All files of a folder that are not hidden, at any depth. */
  *partFiles(folder: string): Generator<string> {
    const names = this.#tree.namesIn(folder)
    this.#format ??= this.#formatOf(folder, names)
    for (const name of names) {
      const path = this.#tree.join(folder, name)
      if (isHidden(name)) {
        if (name.endsWith('.parquet')) this.#hidden.push(path)
        continue
      }
      if (this.#tree.kindOf(path) === 'folder') yield* this.partFiles(path)
      else yield path
    }
  }

  #formatOf(folder: string, names: readonly string[]): string | undefined {
    for (const name of names) {
      if (LOG_FOLDERS[name] !== undefined) return LOG_FOLDERS[name]
      if (name !== 'metadata') continue
      const metadata = this.#tree.join(folder, name)
      if (this.#tree.kindOf(metadata) !== 'folder') continue
      if (this.#tree.namesIn(metadata).some((file) => ICEBERG_METADATA.test(file))) return 'Iceberg'
    }
    return undefined
  }

  /** Files and folders that the segments of a pattern match below a folder. */
  *matches(folder: string, segments: readonly string[]): Generator<string> {
    const [segment, ...rest] = segments
    if (segment === undefined) {
      yield folder
      return
    }
    const literal = this.#tree.join(folder, segment)
    if (!isPattern(segment) || this.#tree.kindOf(literal) !== undefined) {
      if (this.#tree.kindOf(literal) !== undefined) yield* this.matches(literal, rest)
      return
    }
    if (this.#tree.kindOf(folder) !== 'folder') return
    if (segment === ANY_FOLDERS) yield* this.#anyDepth(folder, rest)
    else if (segment.includes(ANY_FOLDERS) && this.#tree.crossesFolders) {
      const pattern = patternOf(segments.join('/'))
      const head = this.#tree.join(folder, '')
      for (const path of this.partFiles(folder)) if (pattern.test(path.slice(head.length))) yield path
    } else yield* this.#matchingNames(folder, segment, rest)
  }

  *#anyDepth(folder: string, rest: readonly string[]): Generator<string> {
    if (rest.length === 0) {
      yield* this.partFiles(folder)
      return
    }
    yield* this.matches(folder, rest)
    for (const name of this.#tree.namesIn(folder)) {
      const path = this.#tree.join(folder, name)
      if (!isHidden(name) && this.#tree.kindOf(path) === 'folder') yield* this.#anyDepth(path, rest)
    }
  }

  *#matchingNames(folder: string, segment: string, rest: readonly string[]): Generator<string> {
    const pattern = patternOf(segment)
    for (const name of this.#tree.namesIn(folder)) {
      if (!pattern.test(name)) continue
      const path = this.#tree.join(folder, name)
      // As a shell does it: who means hidden names says so.
      if (!isHidden(name) || isHidden(segment)) yield* this.matches(path, rest)
      else if (rest.length === 0 && name.endsWith('.parquet')) this.#hidden.push(path)
    }
  }

  /**
   * Of what a pattern matches, a folder named as a file counts as its part files. Any other folder does so only where
   * nothing else matches: beside files it is most often something else.
   */
  *meant(paths: readonly string[]): Generator<string> {
    const isFolder = (path: string): boolean => this.#tree.kindOf(path) === 'folder'
    const named = paths.filter((path) => /\.parquet$/i.test(path) || !isFolder(path))
    for (const path of named.length > 0 ? named : paths) {
      if (isFolder(path)) yield* this.partFiles(path)
      else yield path
    }
    if (named.length === 0) return
    const counted = new Set(named)
    this.#passedFolders.push(...paths.filter((path) => !counted.has(path)))
  }
}

/** In the order of their UTF-8 bytes, as DuckDB and S3 sort. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
