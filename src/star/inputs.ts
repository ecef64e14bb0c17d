/** The input files: where they lie, and whether they are still the ones that the run opened with. */
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Config, TableName } from '../config/schema.js'
import { s3SettingsOf } from '../lake/s3/settings.js'
import { digestFile } from '../lake/whole-file.js'
import { InputError, UsageError } from '../runtime/errors.js'
import { countText } from '../runtime/figures.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import { isS3Address } from '../runtime/uri.js'
import { type BucketReader, fetchInput, findInBucket, lookAtEach, whyMissingInBucket } from './bucket-inputs.js'
import { CONTRACT, type ContractTable } from './contract.js'
import { distinctFiles } from './distinct-files.js'
import { FolderTree } from './folder-tree.js'
import { type FoundFiles, findFiles } from './input-tree.js'
import { whyMissingInFolder } from './missing-place.js'
import { type PathColumns, pathColumnsOf } from './path-columns.js'
import { findUnread, type PlacedTable, type Unread, unreadNotice } from './unread-files.js'
import { beginsAsParquet } from './unreadable-file.js'

/** One file of an input table, as it was when the run opened. */
export interface InputFile {
  /** Absolute path, or `s3://bucket/key`. */
  readonly path: string
  readonly bytes: number
  /** Modification time in milliseconds since the epoch; with `bytes` it tells whether the file is still the same. */
  readonly modifiedMs: number
  /** Of an object in a bucket, in place of the time. */
  readonly etag?: string | undefined
  /** Columns of the contract that stand in the path, if any do. */
  readonly pathColumns?: PathColumns | undefined
  /** The copy that this machine reads instead of `path`; no part of any record. */
  readonly local?: string
  readonly sha256: string
}

/** One input table: its files, in the order of their paths. No file: a missing optional table. */
export interface InputTable {
  readonly name: TableName
  readonly files: readonly InputFile[]
  /** What was passed over, and why, in words for the owner. */
  readonly notices?: readonly string[] | undefined
  /** What lies beside the table's files and is not read, in words for the owner. */
  readonly unread?: readonly string[] | undefined
}

/** Files between two turns of the event loop, so that heartbeats and cancellation get through: a few milliseconds. */
const FILES_PER_TURN = 64

/**
 * Finds all input files and takes their checksums.
 *
 * @param scratch folder for copies of what lies in a bucket
 * @throws InputError ETL3-IN-01 naming every required table that is not there, and every place that holds no table,
 * ETL3-IN-06 when a file or a folder cannot be read
 */
export async function findInputs(
  config: Config,
  signal: AbortSignal,
  scratch = config.processing.scratch,
): Promise<InputTable[]> {
  const reader: BucketReader = { s3: s3SettingsOf(config), scratch, signal }
  const tables: InputTable[] = []
  const lacking: LackingTable[] = []
  const placed: PlacedTable[] = []
  for (const table of CONTRACT) {
    const { name } = table
    const place = placeOf(config, table)
    const found = isS3Address(place)
      ? await inspectInBucket(name, place, reader)
      : await inspectInFolder(name, place, signal)
    const reason = found?.unusable ?? (found ? undefined : await whyMissing(place, reader))
    const needed = table.required || config.input.tables[name] !== undefined
    if (found?.unusable !== undefined || (!found && needed)) {
      lacking.push({ name, place, reason, missing: !found })
    }
    const notices = found?.notices ?? (reason === undefined ? [] : [`${name} is not there: ${reason}`])
    const files = found?.files ?? []
    tables.push({ name, files, ...(notices.length > 0 ? { notices } : {}) })
    if (!isS3Address(place))
      placed.push({ name, place, named: config.input.tables[name] !== undefined, files: files.map(({ path }) => path) })
  }
  if (lacking.length > 0) throw lackingTables(lacking)
  return withUnread(tables, findUnread(placed, placesOfOutput(config)))
}

/** What is left out is said with the table that it most likely belongs to, else with the facts. */
function withUnread(tables: readonly InputTable[], unread: readonly Unread[]): InputTable[] {
  return tables.map((table) => {
    const leftOut = unread.filter((one) => (one.table ?? 'fact_rate') === table.name)
    if (leftOut.length === 0) return table
    return { ...table, unread: leftOut.map(unreadNotice) }
  })
}

/** What lies beside the files of the input and is not read; undefined where there is nothing. */
export function leftOutOf(tables: readonly Pick<InputTable, 'unread'>[]): string[] | undefined {
  const leftOut = tables.flatMap(({ unread }) => unread ?? [])
  return leftOut.length === 0 ? undefined : leftOut
}

/** Where a run writes: never a part of its input, wherever it lies. */
function placesOfOutput({ output, processing }: Config): string[] {
  return [output.uri, output.metadata_uri, processing.scratch].filter((place) => !isS3Address(place))
}

/** A table without which the run cannot begin. */
interface LackingTable {
  readonly name: TableName
  readonly place: string
  readonly reason: string | undefined
  /** Nothing lies there; else what lies there is no table. */
  readonly missing: boolean
}

function lackingTables(lacking: readonly LackingTable[]): InputError {
  const missing = lacking.filter((table) => table.missing)
  const places = missing.map(({ name, place }) => `${name} (${place})`).join(', ')
  const what = missing.some(({ name }) => name !== 'fact_rate') ? 'Missing dimension tables' : 'Missing fact table'
  // What is wrong with a folder is wrong with all tables below it, and is said once.
  const reasons = new Set(missing.flatMap(({ reason }) => reason ?? []))
  const unusable = lacking.flatMap(({ name, reason, missing }) => (missing ? [] : [`${name}: ${reason}`]))
  const missed = missing.length === 0 ? [] : [[`${what}: ${places}`, ...reasons].join('; ')]
  return new InputError('ETL3-IN-01', [...missed, ...unusable].join('; '), {
    hint: 'Set input.root to the folder that holds gold/, dims/ and xrefs/, or the path of each table under input.tables: a Parquet file, a folder of them, or a pattern.',
  })
}

async function whyMissing(place: string, reader: BucketReader): Promise<string | undefined> {
  return isS3Address(place) ? await whyMissingInBucket(place, reader) : whyMissingInFolder(place)
}

/** @throws InputError ETL3-IN-02 when a file is not the one any more that the run opened with */
export async function assertUnchanged(
  tables: readonly InputTable[],
  reader: Pick<BucketReader, 's3' | 'signal'>,
): Promise<void> {
  for (const table of tables) {
    const objects = await lookAtEach(bucketPathsOf(table), reader)
    for (const [i, file] of table.files.entries()) {
      if (i % FILES_PER_TURN === 0) await turn(reader.signal)
      if (isUnchanged(file, objects)) continue
      throw new InputError('ETL3-IN-02', `${table.name} changed while the run was reading it [file=${file.path}]`, {
        hint: 'Start the run again when the file is complete.',
      })
    }
  }
}

function isUnchanged(file: InputFile, objects: Awaited<ReturnType<typeof lookAtEach>>): boolean {
  if (isS3Address(file.path)) {
    const now = objects.get(file.path)
    return now?.bytes === file.bytes && now.etag === file.etag
  }
  const now = statOf(file.path)
  return now.bytes === file.bytes && now.modifiedMs === file.modifiedMs
}

/** A copy on this machine of each file that lies in a bucket, by the file's path. */
export async function fetchInputs(
  tables: readonly { readonly files: readonly { readonly path: string }[] }[],
  reader: BucketReader,
): Promise<LocalCopies> {
  const paths = tables.flatMap(bucketPathsOf)
  return new Map(
    await severalAtOnce(
      paths,
      reader.s3.requestsAtOnce,
      async (path) => [path, await fetchInput(path, reader)] as const,
    ),
  )
}

function bucketPathsOf({ files }: { readonly files: readonly { readonly path: string }[] }): string[] {
  return files.map(({ path }) => path).filter(isS3Address)
}

/** Path on this machine by path of the input. */
export type LocalCopies = ReadonlyMap<string, string>

/** A table whose files may have copies. */
type WithCopies<T extends { readonly files: readonly unknown[] }> = Omit<T, 'files'> & {
  readonly files: readonly (T['files'][number] & { readonly local?: string })[]
}

/** The same tables, with the copies that this machine reads. */
export function withCopies<T extends { readonly files: readonly { readonly path: string }[] }>(
  tables: readonly T[],
  copies: LocalCopies,
): WithCopies<T>[] {
  return tables.map((table) => ({
    ...table,
    files: table.files.map((file: T['files'][number]) => {
      const local = copies.get(file.path)
      return local === undefined ? file : { ...file, local }
    }),
  }))
}

/** Where a table lies by the configuration: a path or pattern of this machine, or an address in a bucket. */
export function placeOf(config: Pick<Config, 'input'>, table: Pick<ContractTable, 'name' | 'path'>): string {
  const { root, tables } = config.input
  return (
    tables[table.name] ?? (isS3Address(root) ? `${root.replace(/\/+$/, '')}/${table.path}` : join(root, table.path))
  )
}

function statOf(path: string): { bytes: number; modifiedMs: number } {
  const stat = statSync(path, { throwIfNoEntry: false })
  return { bytes: stat?.size ?? -1, modifiedMs: stat?.mtimeMs ?? -1 }
}

/** What lies at a place. */
interface InspectedPlace {
  readonly files: readonly InputFile[]
  readonly notices: readonly string[]
  /** Why these files are no table. */
  readonly unusable: string | undefined
}

async function inspectInFolder(
  table: TableName,
  place: string,
  signal: AbortSignal,
): Promise<InspectedPlace | undefined> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) {
    throw new UsageError('ETL3-ST-01', `there is no adapter for such an input [${place}]`, {
      hint: 'Set input.root or input.tables to a folder, or to s3://bucket/prefix.',
    })
  }
  const found = findFiles(new FolderTree(), resolve(place), '/')
  if (!found || (found.how === 'pattern' && found.files.length === 0)) return undefined
  const { files, twice } = distinctFiles(found.files)
  const inspected: InputFile[] = []
  for (const path of files) {
    if (inspected.length % FILES_PER_TURN === 0) await turn(signal)
    inspected.push(await inspect(table, path, signal))
  }
  return {
    files: inspected,
    notices: [...noticesOf(table, found), ...twice.map((notice) => `${table}: ${notice}`)],
    unusable: unusable(place, found, inspected),
  }
}

/** The checksum is that of the copy, which has to be fetched in any case. */
async function inspectInBucket(
  table: TableName,
  place: string,
  reader: BucketReader,
): Promise<InspectedPlace | undefined> {
  const found = await findInBucket(place, reader)
  if (!found || (found.how === 'pattern' && found.files.length === 0)) return undefined
  const files = await severalAtOnce(found.files, reader.s3.requestsAtOnce, async ({ path, bytes, etag }) => {
    const local = await fetchInput(path, reader)
    const { sha256 } = await digestFile(local, reader.signal)
    return { path, bytes, etag, modifiedMs: 0, ...columnsIn(table, path), local, sha256 }
  })
  return {
    files: files.map(({ local: _, ...file }) => file),
    notices: noticesOf(table, found),
    unusable: unusable(place, found, files),
  }
}

function noticesOf(table: TableName, { hidden, passedFolders }: Omit<FoundFiles, 'files'>): string[] {
  const notices: string[] = []
  if (hidden.length > 0)
    notices.push(
      `${table} passes over ${namesOf(hidden)}: a name that begins with '_' or '.' is hidden, as in Spark, Hive and Athena`,
    )
  if (passedFolders.length > 0)
    notices.push(
      `${table} passes over the ${passedFolders.length === 1 ? 'folder' : 'folders'} ${namesOf(passedFolders)}: ` +
        'beside files, a pattern means only folders that are named *.parquet',
    )
  return notices
}

/** Why the files of a place are no table, or undefined where they may be one. */
function unusable(
  place: string,
  { how, format }: Omit<FoundFiles, 'files'>,
  files: readonly { readonly path: string; readonly local?: string }[],
): string | undefined {
  if (format !== undefined)
    return (
      `${place} is a ${format} table, whose log says which of its files count; ETL3 does not read that log. ` +
      'Write the table as plain Parquet'
    )
  if (how !== 'folder' || files.some(({ path, local }) => beginsAsParquet(local ?? path))) return undefined
  const holds = files.length === 0 ? 'no file but hidden ones' : namesOf(files.map(({ path }) => path))
  return `${place} is a folder that holds no Parquet file [it holds ${holds}]`
}

const NAMED = 3

function namesOf(paths: readonly string[]): string {
  const more = paths.length > NAMED ? ` and ${countText(paths.length - NAMED)} more` : ''
  return `${paths.slice(0, NAMED).join(', ')}${more}`
}

function columnsIn(table: TableName, path: string): Pick<InputFile, 'pathColumns'> {
  const pathColumns = pathColumnsOf(table, path)
  return Object.keys(pathColumns).length > 0 ? { pathColumns } : {}
}

async function inspect(table: TableName, path: string, signal: AbortSignal): Promise<InputFile> {
  try {
    return { path, ...statOf(path), ...columnsIn(table, path), sha256: (await digestFile(path, signal)).sha256 }
  } catch (cause) {
    signal.throwIfAborted()
    throw new InputError('ETL3-IN-06', `an input file cannot be read [file=${path}]`, {
      hint: 'Check the permissions of the file and its folders. A symbolic link must lead to a file.',
      cause,
    })
  }
}

async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn()
  signal.throwIfAborted()
}
