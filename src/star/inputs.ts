/** The input files: where they lie, and whether they are still the ones that the run opened with. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { Config, TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { sqlString } from '../engine/sql.js'
import { isS3Address } from '../lake/s3/address.js'
import { s3SettingsOf } from '../lake/s3/settings.js'
import { InputError, UsageError } from '../runtime/errors.js'
import { type BucketReader, fetchInput, findInBucket, lookAt } from './bucket-inputs.js'
import { CONTRACT, type ContractTable } from './contract.js'

/** One file of an input table, as it was when the run opened. */
export interface InputFile {
  /** Absolute path, or `s3://bucket/key`. */
  readonly path: string
  readonly bytes: number
  /** Modification time in milliseconds since the epoch; with `bytes` it tells whether the file is still the same. */
  readonly modifiedMs: number
  /** Of an object in a bucket, in place of the time. */
  readonly etag?: string | undefined
  /** The copy that this machine reads instead of `path`; no part of any record. */
  readonly local?: string
  readonly sha256: string
}

/** One input table: its files, in the order of their paths. No file: a missing optional table. */
export interface InputTable {
  readonly name: TableName
  readonly files: readonly InputFile[]
}

const HASH_BUFFER_BYTES = 4 * 1024 * 1024

/**
 * Finds all input files and takes their checksums.
 *
 * @param engine resolves globs
 * @param scratch folder for copies of what lies in a bucket
 * @throws InputError ETL3-IN-01 naming every required table that is not there
 */
export async function findInputs(
  config: Config,
  engine: Engine,
  signal: AbortSignal,
  scratch = config.processing.scratch,
): Promise<InputTable[]> {
  const reader: BucketReader = { s3: s3SettingsOf(config), scratch, signal }
  const tables: InputTable[] = []
  const missing: string[] = []
  for (const table of CONTRACT) {
    const place = placeOf(config, table)
    const files = isS3Address(place)
      ? await inspectInBucket(place, reader)
      : await inspectInFolder(place, engine, signal)
    if (files.length === 0 && (table.required || config.input.tables[table.name] !== undefined)) {
      missing.push(`${table.name} (${place})`)
    }
    tables.push({ name: table.name, files })
  }
  if (missing.length > 0) {
    const what = missing.some((m) => !m.startsWith('fact_rate ')) ? 'Missing dimension tables' : 'Missing fact table'
    throw new InputError('ETL3-IN-01', `${what}: ${missing.join(', ')}`, {
      hint: 'Set input.root to the folder that holds gold/, dims/ and xrefs/, or the path of each table under input.tables.',
    })
  }
  return tables
}

/** @throws InputError ETL3-IN-02 when a file is not the one any more that the run opened with */
export async function assertUnchanged(
  tables: readonly InputTable[],
  reader: Pick<BucketReader, 's3' | 'signal'>,
): Promise<void> {
  for (const table of tables) {
    for (const file of table.files) {
      if (await isUnchanged(file, reader)) continue
      throw new InputError('ETL3-IN-02', `${table.name} changed while the run was reading it [file=${file.path}]`, {
        hint: 'Start the run again when the file is complete.',
      })
    }
  }
}

async function isUnchanged(file: InputFile, reader: Pick<BucketReader, 's3' | 'signal'>): Promise<boolean> {
  if (isS3Address(file.path)) {
    const now = await lookAt(file.path, reader)
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
  const copies = new Map<string, string>()
  for (const { path } of tables.flatMap((table) => table.files)) {
    if (isS3Address(path)) copies.set(path, await fetchInput(path, reader))
  }
  return copies
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

function placeOf(config: Config, table: ContractTable): string {
  const { root, tables } = config.input
  return (
    tables[table.name] ?? (isS3Address(root) ? `${root.replace(/\/+$/, '')}/${table.path}` : join(root, table.path))
  )
}

async function expand(place: string, engine: Engine): Promise<string[]> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) {
    throw new UsageError('ETL3-ST-01', `there is no adapter for such an input [${place}]`, {
      hint: 'Set input.root or input.tables to a folder, or to s3://bucket/prefix.',
    })
  }
  const path = isAbsolute(place) ? place : resolve(place)
  if (!/[*?[]/.test(path)) return isFile(path) ? [path] : []
  const found = await engine.rows(`SELECT file FROM glob(${sqlString(path)}) ORDER BY file`)
  return found.map((row) => String(row['file']))
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function statOf(path: string): { bytes: number; modifiedMs: number } {
  const stat = statSync(path, { throwIfNoEntry: false })
  return { bytes: stat?.size ?? -1, modifiedMs: stat?.mtimeMs ?? -1 }
}

async function inspectInFolder(place: string, engine: Engine, signal: AbortSignal): Promise<InputFile[]> {
  const files: InputFile[] = []
  for (const path of await expand(place, engine)) {
    signal.throwIfAborted()
    files.push(inspect(path))
  }
  return files
}

/** The checksum is that of the copy, which has to be fetched in any case. */
async function inspectInBucket(place: string, reader: BucketReader): Promise<InputFile[]> {
  const files: InputFile[] = []
  for (const { path, bytes, etag } of await findInBucket(place, reader)) {
    files.push({ path, bytes, etag, modifiedMs: 0, sha256: sha256File(await fetchInput(path, reader)) })
  }
  return files
}

function inspect(path: string): InputFile {
  try {
    return { path, ...statOf(path), sha256: sha256File(path) }
  } catch (cause) {
    throw new InputError('ETL3-IN-06', `an input file cannot be read [file=${path}]`, {
      hint: 'Check the permissions of the file and its folders.',
      cause,
    })
  }
}

function sha256File(path: string): string {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(HASH_BUFFER_BYTES)
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null)
      if (read === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, read))
    }
  } finally {
    closeSync(file)
  }
}
