/** Picks the adapter behind the {@link ObjectStore} port by an address. */
import { resolve } from 'node:path'
import type { Config } from '../config/schema.js'
import { UsageError } from '../runtime/errors.js'
import { isS3Address } from '../runtime/uri.js'
import { FolderStore } from './folder/store.js'
import type { ObjectStore } from './object-store.js'
import { type S3Settings, s3SettingsOf } from './s3/settings.js'
import { S3ObjectStore } from './s3/store.js'

/** How an address is read. */
export interface OpenStoreOptions {
  /** Folder that relative paths start from. Default: the current one. */
  readonly baseFolder?: string
  /** How a bucket is reached. */
  readonly s3: S3Settings
}

/**
 * Opens the store at `uri`: a folder's path, or `s3://bucket/prefix`. Opening reaches and checks nothing.
 * @throws UsageError `ETL3-ST-01` for a scheme that has no adapter, `ETL3-ST-02` for an address that names no bucket
 */
export function openStore(uri: string, options: OpenStoreOptions): ObjectStore {
  if (isS3Address(uri)) return new S3ObjectStore(uri, options.s3)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]
  if (scheme === undefined) return new FolderStore(resolve(options.baseFolder ?? '.', uri))
  throw new UsageError('ETL3-ST-01', `there is no adapter for ${scheme}:// addresses [${uri}]`, {
    hint: 'Use a folder or s3://bucket/prefix.',
  })
}

/** A configuration as far as it says where things lie and how they are reached. */
type PlacesConfig = Pick<Config, 'output' | 's3' | 'athena'>

/** Opens the store of the runs' records (`output.metadata_uri`). @throws as {@link openStore} */
export function openMetadata(config: PlacesConfig): ObjectStore {
  return openStore(config.output.metadata_uri, { s3: s3SettingsOf(config) })
}

/** Opens the store of the table (`output.uri`). @throws as {@link openStore} */
export function openTable(config: PlacesConfig): ObjectStore {
  return openStore(config.output.uri, { s3: s3SettingsOf(config) })
}
