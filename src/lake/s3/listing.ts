/** What lies under a prefix of a bucket, page by page. */
import type { S3Address } from './address.js'
import type { S3Connection } from './client.js'
import { attemptAt, unquoted } from './object.js'

/** An object as a listing tells it. */
export interface ListedObject {
  /** In the bucket. */
  readonly key: string
  readonly bytes: number
  readonly etag: string
  readonly modifiedMs: number
}

/**
 * Objects whose key begins with `under.path`, a page of up to 1,000 at a time, in the order of their keys.
 * @param after only keys behind this one
 */
export async function* listPages(
  connection: S3Connection,
  under: S3Address,
  signal: AbortSignal,
  after?: string,
): AsyncGenerator<readonly ListedObject[]> {
  const { client, sdk } = await connection.open()
  let token: string | undefined
  do {
    const page = await attemptAt(connection, { doing: 'list', at: under, signal }, () =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: under.bucket,
          ...(under.path === '' ? {} : { Prefix: under.path }),
          ...(token === undefined ? {} : { ContinuationToken: token }),
          ...(after === undefined ? {} : { StartAfter: after }),
          // XML has no way to write control characters, and somebody else's key may hold them.
          EncodingType: 'url',
        }),
        { abortSignal: signal },
      ),
    )
    const decoded = page.EncodingType === 'url' ? decodeKey : (key: string): string => key
    const listed = (page.Contents ?? []).map(({ Key, Size, ETag, LastModified }) => ({
      key: decoded(Key ?? ''),
      bytes: Size ?? 0,
      etag: unquoted(ETag),
      modifiedMs: LastModified?.getTime() ?? 0,
    }))
    // What consoles make for a folder is no object of anybody's; queries pass it over as well.
    yield listed.filter(({ key, bytes }) => !key.endsWith('/') || bytes > 0)
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}
