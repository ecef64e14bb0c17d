/** Picks the adapter behind the {@link ObjectStore} port by an address. */
import { resolve } from 'node:path'
import { UsageError } from '../runtime/errors.js'
import { FolderStore } from './folder-store.js'
import type { ObjectStore } from './object-store.js'

/** How an address is read. */
export interface OpenStoreOptions {
  /** Folder that relative paths start from. Default: the current one. */
  readonly baseFolder?: string
}

/**
 * Opens the store at `uri`: a folder's path. Opening makes and checks nothing.
 * @throws UsageError `ETL3-ST-01` for a scheme that has no adapter
 */
export function openStore(uri: string, options: OpenStoreOptions = {}): ObjectStore {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]
  if (scheme === undefined) return new FolderStore(resolve(options.baseFolder ?? '.', uri))
  throw new UsageError('ETL3-ST-01', `this version has no adapter for ${scheme}:// addresses yet [${uri}]`, {
    hint: 'Use a folder for output.uri and output.metadata_uri.',
  })
}
