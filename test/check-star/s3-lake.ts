/** A lake as on AWS, on this machine: versitygw as S3 over a folder, moto as Glue. */
import { join } from 'node:path'
import { GlueClient, paginateGetPartitions } from '@aws-sdk/client-glue'
import { paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { type Moto, startMoto } from '../aws/moto.js'
import { CREDENTIAL_VARIABLES, CREDENTIALS, makeBucket, type S3Server, startVersitygw } from '../aws/support/servers.js'
import type { BucketPlace } from './etl3-process.js'

const REGION = CREDENTIAL_VARIABLES.AWS_REGION

/** What Glue says when it is asked for a table's partitions. */
export interface GlueCount {
  readonly partitions: number
  /** Sum of `numRows` over them. */
  readonly rows: number
}

/** The servers, and what a command needs to reach them. */
export interface S3Lake {
  readonly s3: S3Server
  readonly glue: Moto
  /** Variables of a command. */
  readonly env: Readonly<Record<string, string>>
  /** Makes a bucket. @param endpoint how ETL3 reaches the server, if not directly */
  place(endpoint?: string): Promise<BucketPlace & { readonly table: string }>
  /** Asks Glue for every partition of a table. */
  countPartitions(database: string, table: string): Promise<GlueCount>
  /** Objects under a prefix, as the server lists them. */
  countObjects(bucket: string, prefix: string): Promise<number>
  stop(): Promise<void>
}

/** Starts both servers, with nothing in them. */
export async function startS3Lake(): Promise<S3Lake> {
  const s3 = await startVersitygw()
  const glue = await startMoto()
  return {
    s3,
    glue,
    env: { ...CREDENTIAL_VARIABLES, AWS_ENDPOINT_URL_GLUE: glue.url },
    async place(endpoint = s3.endpoint) {
      const bucket = await makeBucket(s3.endpoint)
      // One Glue serves all tables: a database for each.
      const database = bucket.replaceAll('-', '_')
      return { bucket, endpoint, database, table: join(s3.folder ?? '', bucket, 'table') }
    },
    async countPartitions(DatabaseName, TableName) {
      const client = new GlueClient({ endpoint: glue.url, region: REGION, credentials: CREDENTIALS })
      const count = { partitions: 0, rows: 0 }
      for await (const { Partitions = [] } of paginateGetPartitions({ client }, { DatabaseName, TableName })) {
        count.partitions += Partitions.length
        for (const { Parameters } of Partitions) count.rows += Number(Parameters?.['numRows'] ?? Number.NaN)
      }
      client.destroy()
      return count
    },
    async countObjects(Bucket, Prefix) {
      const client = new S3Client({
        endpoint: s3.endpoint,
        region: REGION,
        forcePathStyle: true,
        credentials: CREDENTIALS,
      })
      let objects = 0
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
        objects += Contents.length
      }
      client.destroy()
      return objects
    },
    async stop() {
      await Promise.all([s3.stop(), glue.stop()])
    },
  }
}
