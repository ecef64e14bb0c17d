/** Uploads in parts that were begun and never ended: their parts cost storage, and no reader sees them. */
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import type { S3Address } from './address.js'
import type { S3Connection } from './client.js'
import { isNotFound } from './errors.js'
import { attemptAt } from './object.js'

/** An upload that has not ended. */
export interface OpenUpload {
  readonly at: S3Address
  readonly uploadId: string
  readonly startedMs: number
}

/** Where the next page begins. */
interface Marker {
  readonly KeyMarker?: string
  readonly UploadIdMarker?: string
}

/** The uploads under a prefix that have not ended. */
export async function* listUploads(
  connection: S3Connection,
  under: S3Address,
  signal: AbortSignal,
): AsyncGenerator<OpenUpload> {
  const { client, sdk } = await connection.open()
  let from: Marker | undefined = {}
  while (from) {
    const marker: Marker = from
    const page: ListMultipartUploadsCommandOutput = await attemptAt(
      connection,
      { doing: 'list the uploads under', at: under, signal },
      () =>
        client.send(
          new sdk.ListMultipartUploadsCommand({
            Bucket: under.bucket,
            ...(under.path === '' ? {} : { Prefix: under.path }),
            ...marker,
          }),
          { abortSignal: signal },
        ),
    )
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue
      yield { at: { bucket: under.bucket, path: Key }, uploadId: UploadId, startedMs: Initiated?.getTime() ?? 0 }
    }
    const { NextKeyMarker, NextUploadIdMarker } = page
    from =
      page.IsTruncated && NextKeyMarker !== undefined
        ? {
            KeyMarker: NextKeyMarker,
            ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
          }
        : undefined
  }
}

/** Ends an upload without an object. One that is gone is no error. */
export async function abortUpload(
  connection: S3Connection,
  { at, uploadId }: Pick<OpenUpload, 'at' | 'uploadId'>,
  signal: AbortSignal,
): Promise<void> {
  const { client, sdk } = await connection.open()
  await attemptAt(connection, { doing: 'end an upload to', at, signal }, async () => {
    try {
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: at.bucket, Key: at.path, UploadId: uploadId }), {
        abortSignal: signal,
      })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  })
}
