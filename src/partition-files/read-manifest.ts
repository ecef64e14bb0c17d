/** `manifest.parquet` as it is read: in the order of the keys, a page at a time. */
import type { Engine } from '../engine/engine.js'
import { sqlString } from '../engine/sql.js'
import { manifestRelation } from './manifest-file.js'

/** An object of the table as the run that published it left it. */
export interface ManifestedObject {
  readonly key: string
  readonly bytes: number
  /** The mark that the store gave it. */
  readonly etag: string
  readonly sha256: string
}

/** Objects of a page: a few MB, however long the keys are. */
const PAGE_OBJECTS = 8_192

/** All objects of a manifest, by key. @param path local */
export async function* manifestPages(
  engine: Pick<Engine, 'rows'>,
  path: string,
): AsyncGenerator<readonly ManifestedObject[]> {
  const objects = manifestRelation([path], { columns: ['key', 'bytes', 'etag', 'sha256'] })
  let last: string | undefined
  do {
    const rows = await engine.rows(`FROM ${objects}
      ${last === undefined ? '' : `WHERE key > ${sqlString(last)}`} ORDER BY key LIMIT ${PAGE_OBJECTS}`)
    const page = rows.map(({ key, bytes, etag, sha256 }) => ({
      key: String(key),
      bytes: Number(bytes),
      etag: String(etag),
      sha256: String(sha256),
    }))
    if (page.length > 0) yield page
    last = page.length < PAGE_OBJECTS ? undefined : page.at(-1)?.key
  } while (last !== undefined)
}
