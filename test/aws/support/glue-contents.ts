/** What Glue shows of a table that ETL3 registered, without what may differ between two runs of the same work. */
import { GetPartitionsCommand, GetTableCommand, GlueClient } from '@aws-sdk/client-glue'
import { CREDENTIALS } from './servers.js'

/** Both tables of a database. */
export interface GlueContents {
  /** Where each partition's rows are, and how many, by its values. */
  readonly partitions: ReadonlyMap<string, readonly [location: string, rows: string]>
  readonly exact: unknown
  readonly projected: unknown
}

const TABLE = 'fact_rate_enriched'

/** Reads both tables past all proxies. @param bucket its name is left out of every address */
export async function glueContents(endpoint: string, bucket: string): Promise<GlueContents> {
  const client = new GlueClient({ endpoint, region: 'us-east-1', credentials: CREDENTIALS })
  const database = bucket.replaceAll('-', '_')
  const plain = (text: string): string => text.replaceAll(bucket, 'bucket')
  const table = async (name: string): Promise<unknown> => {
    const { Table } = await client.send(new GetTableCommand({ DatabaseName: database, Name: name }))
    const { StorageDescriptor, PartitionKeys, Parameters = {} } = Table ?? {}
    const { 'etl3.run_id': run, ...properties } = Parameters
    if (run === undefined) throw new Error(`${name} does not say which run it shows`)
    return JSON.parse(plain(JSON.stringify({ StorageDescriptor, PartitionKeys, properties })))
  }
  try {
    const partitions = new Map<string, readonly [string, string]>()
    let token: string | undefined
    do {
      const page = await client.send(
        new GetPartitionsCommand({
          DatabaseName: database,
          TableName: TABLE,
          ...(token === undefined ? {} : { NextToken: token }),
        }),
      )
      for (const { Values, StorageDescriptor, Parameters } of page.Partitions ?? []) {
        const place = [plain(StorageDescriptor?.Location ?? ''), Parameters?.['numRows'] ?? ''] as const
        partitions.set(JSON.stringify(Values), place)
      }
      token = page.NextToken
    } while (token !== undefined)
    const sorted = new Map([...partitions].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    return { partitions: sorted, exact: await table(TABLE), projected: await table(`${TABLE}_projected`) }
  } finally {
    client.destroy()
  }
}
