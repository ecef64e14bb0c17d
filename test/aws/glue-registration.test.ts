/** What Glue holds after a registration, and what happens when Glue, or another writer, gets in the way. */
import {
  CreateDatabaseCommand,
  CreateTableCommand,
  DeleteTableCommand,
  GetPartitionsCommand,
  GetTableCommand,
  GlueClient,
  type Partition,
  type Table,
  UpdateTableCommand,
} from '@aws-sdk/client-glue'
import { afterEach, describe, expect, it } from 'vitest'
import { countRows } from '../unit/lake/count-rows.js'
import { DIFFICULT, PARTITION_COLUMNS, type SmallPartition, writeSmallLake } from '../unit/lake/duckdb/small-lake.js'
import { GO_ON } from '../unit/lake/folder/lake-folder.js'
import { awsServers, gluePlace, REGION } from './glue-place.js'
import { awsError } from './json-front.js'
import { leavingOut } from './leaving-out.js'

const servers = awsServers()

afterEach(() => {
  servers.front.faults = []
})

const TABLE = 'fact_rate_enriched'

async function tableOf(database: string, name = TABLE): Promise<Table> {
  const { Table } = await new GlueClient({ region: REGION }).send(
    new GetTableCommand({ DatabaseName: database, Name: name }),
  )
  if (!Table) throw new Error('no table')
  return Table
}

async function partitionsOf(database: string): Promise<Partition[]> {
  const client = new GlueClient({ region: REGION })
  const { Partitions = [] } = await client.send(new GetPartitionsCommand({ DatabaseName: database, TableName: TABLE }))
  return Partitions
}

const partitions = (count: number, rows = 1): SmallPartition[] =>
  Array.from({ length: count }, (_, i) => ({ values: ['aetna', 'TX', `area ${i}`, '08'], rows }))

/** Calls since a moment, by operation. */
function callsSince(begin: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { operation } of servers.front.calls.slice(begin)) counts[operation] = (counts[operation] ?? 0) + 1
  return counts
}

describe('a registered table in Glue', () => {
  it('has one partition per object: raw values, and the place as it is written in the path', async () => {
    const { open, database, ...place } = gluePlace()
    await open().register(await writeSmallLake(DIFFICULT, place), GO_ON)
    const found = new Map(
      (await partitionsOf(database)).map((p) => [JSON.stringify(p.Values), p.StorageDescriptor?.Location]),
    )
    expect(found.size).toBe(DIFFICULT.length)
    expect(found.get('["aetna","ID","Coeur d\'Alene, ID","08"]')).toBe(
      `${place.tableUri}/payer_slug=aetna/state=ID/stat_area_name=Coeur d%27Alene, ID/month=08/`,
    )
    expect(found.get('["aetna","__HIVE_DEFAULT_PARTITION__","__HIVE_DEFAULT_PARTITION__","08"]')).toBe(
      `${place.tableUri}/payer_slug=aetna/state=__NULL__/stat_area_name=__NULL__/month=08/`,
    )
    expect(found.get('["aetna","%5F_HIVE_DEFAULT_PARTITION__","__Null__","08"]')).toBe(
      `${place.tableUri}/payer_slug=aetna/state=%5F_HIVE_DEFAULT_PARTITION__/stat_area_name=%5F_Null__/month=08/`,
    )
  })

  it('has the columns with their types and meanings, keys apart, and properties that say what it is', async () => {
    const { open, database, ...place } = gluePlace()
    await open().register(await writeSmallLake(DIFFICULT, place), GO_ON)
    const exact = await tableOf(database)
    expect(exact.PartitionKeys?.map(({ Name, Type, Comment }) => [Name, Type, Comment])).toEqual([
      ['payer_slug', 'string', 'who pays'],
      ['state', 'string', 'of the provider'],
      ['stat_area_name', 'string', 'where'],
      ['month', 'string', '01 to 12'],
    ])
    expect(exact.StorageDescriptor?.Columns?.map(({ Name, Type }) => [Name, Type])).toEqual([
      ['code', 'string'],
      ['rate', 'double'],
      ['tins', 'array<string>'],
      ['since', 'date'],
      ['known', 'boolean'],
      ['weight', 'int'],
    ])
    expect(exact.Parameters).toMatchObject({
      classification: 'parquet',
      'partition_filtering.enabled': 'true',
      'etl3.run_id': 'run 1',
      'etl3.figure.rows': '136',
      'projection.enabled': 'false',
      'projection.stat_area_name.type': 'injected',
    })
    const projected = await tableOf(database, `${TABLE}_projected`)
    // bcbs/ga needs an escape, so not even the payer is safe here.
    expect(projected.Parameters).toMatchObject({
      'projection.enabled': 'false',
      'etl3.projection_warning': expect.stringMatching(/^no keys: payer_slug holds 'bcbs\/ga', which .*payer_slug/),
    })
    expect(projected.PartitionKeys).toEqual([])
    expect(projected.StorageDescriptor?.Columns).toHaveLength(10)
    const indexes = servers.front.bodies('CreateTable').find(({ DatabaseName }) => DatabaseName === database)
    expect(indexes?.['PartitionIndexes']).toEqual([
      { IndexName: 'etl3_payer_slug_state', Keys: ['payer_slug', 'state'] },
      { IndexName: 'etl3_stat_area_name', Keys: ['stat_area_name'] },
    ])
  })

  it('gives every row of the projected table, by each column and by its keys', async () => {
    const { open, database, ...place } = gluePlace()
    const safe = DIFFICULT.filter(({ values: [payer] }) => payer !== 'bcbs/ga' && payer !== null).map((p) => ({
      ...p,
      values: [p.values[0] ?? null, p.values[1]?.startsWith('__') ? null : (p.values[1] ?? null), ...p.values.slice(2)],
    }))
    await open().register(await writeSmallLake(safe, place), GO_ON)
    const projected = await tableOf(database, `${TABLE}_projected`)
    expect(projected.PartitionKeys?.map(({ Name }) => Name)).toEqual(['payer_slug_key', 'state_key'])
    expect(projected.Parameters).toMatchObject({ 'projection.state_key.values': '__NULL__,ID,TX' })
    const due = safe.reduce((sum, { rows }) => sum + rows, 0)
    expect(await ask(database, 'SELECT count(*) FROM fact_rate_enriched_projected')).toEqual([[String(due)]])
    const nulls = safe.filter(({ values }) => values[1] === null).reduce((sum, { rows }) => sum + rows, 0)
    for (const where of ['state IS NULL', "state_key = '__NULL__'"]) {
      expect(await ask(database, `SELECT count(*) FROM fact_rate_enriched_projected WHERE ${where}`)).toEqual([
        [String(nulls)],
      ])
    }
  })

  it('keeps what others have set on it', async () => {
    const { open, database, ...place } = gluePlace()
    await open().register(await writeSmallLake(partitions(1), place), GO_ON)
    const { Name = '', Parameters, StorageDescriptor, PartitionKeys, TableType, VersionId } = await tableOf(database)
    const input = {
      Name,
      StorageDescriptor,
      PartitionKeys,
      TableType,
      Owner: 'analytics',
      Parameters: { ...Parameters, team: 'rates' },
    }
    await new GlueClient({ region: REGION }).send(
      new UpdateTableCommand({ DatabaseName: database, TableInput: input, VersionId }),
    )
    await open().register(await writeSmallLake(partitions(2), place), GO_ON)
    expect(await tableOf(database)).toMatchObject({ Owner: 'analytics', Parameters: { team: 'rates' } })
  })

  it('is not called registered while half of it is missing', async () => {
    const { open, database, ...place } = gluePlace()
    await open().register(await writeSmallLake(partitions(1), place), GO_ON)
    await new GlueClient({ region: REGION }).send(
      new DeleteTableCommand({ DatabaseName: database, Name: `${TABLE}_projected` }),
    )
    expect(await open().registeredRun(GO_ON)).toBeUndefined()
    await open().register(await writeSmallLake(partitions(1), place), GO_ON)
    expect(await open().registeredRun(GO_ON)).toBe('run 1')
  })

  it('is made anew where the partition columns are others', async () => {
    const { open, database, ...place } = gluePlace()
    const state = await writeSmallLake(partitions(2), place)
    await open().register({ ...state, partitionColumns: PARTITION_COLUMNS.slice(0, 3) }, GO_ON)
    expect(await open().register(state, GO_ON)).toMatchObject({ partitions: 2, created: 2, updated: 0, deleted: 0 })
    expect((await tableOf(database)).PartitionKeys).toHaveLength(4)
  })
})

describe('a registration', () => {
  it('sends the difference and no more, in batches that Glue takes', async () => {
    const { open, ...place } = gluePlace()
    const before = await writeSmallLake(partitions(130), place)
    let begin = servers.front.calls.length
    await open().register(before, GO_ON)
    expect(callsSince(begin)).toMatchObject({ BatchCreatePartition: 2 })

    begin = servers.front.calls.length
    await open().register(before, GO_ON)
    expect(callsSince(begin)).toEqual({ GetDatabase: 1, GetTable: 2, GetPartitions: 1 })

    begin = servers.front.calls.length
    const after = await writeSmallLake([...partitions(100, 2), ...partitions(140).slice(130)], {
      ...place,
      runId: 'run 2',
    })
    expect(await open().register(after, GO_ON)).toMatchObject({ created: 10, updated: 100, deleted: 30 })
    expect(callsSince(begin)).toMatchObject({
      BatchCreatePartition: 1,
      BatchUpdatePartition: 1,
      BatchDeletePartition: 2,
    })
  })

  it.each(['InternalServiceException', 'ThrottlingException', 'OperationTimeoutException'])(
    'sends the items again that Glue left out with %s',
    async (code) => {
      const { open, database, ...place } = gluePlace()
      servers.front.faults = [leavingOut(code, 2)]
      await open().register(await writeSmallLake(partitions(5), place), GO_ON)
      expect(await partitionsOf(database)).toHaveLength(5)
      expect(await countRows(open(), ['state'])).toEqual([{ values: ['TX'], rows: 5 }])
    },
  )

  it('stops at an item that Glue refuses, names it, and is not called registered', async () => {
    const { open, database: _, ...place } = gluePlace()
    const state = await writeSmallLake(partitions(5), place)
    servers.front.faults = [leavingOut('ResourceNumberLimitExceededException', 1)]
    await expect(open().register(state, GO_ON)).rejects.toThrow(
      expect.objectContaining({
        code: 'ETL3-GL-01',
        message: expect.stringContaining('aetna/TX/area 0/08: ResourceNumberLimitExceededException: left out'),
      }),
    )
    expect(await open().registeredRun(GO_ON)).toBeUndefined()
    servers.front.faults = []
    await open().register(state, GO_ON)
    expect(await open().registeredRun(GO_ON)).toBe('run 1')
  })

  it('reads back what another attempt has created, changed or deleted in the meantime', async () => {
    const { open, database, ...place } = gluePlace()
    await open().register(await writeSmallLake(partitions(6), place), GO_ON)
    const after = await writeSmallLake([...partitions(3, 2), ...partitions(9).slice(6)], { ...place, runId: 'run 2' })
    let struck = false
    servers.front.faults = [
      async (call, next) => {
        if (call.operation !== 'BatchCreatePartition' || struck) return await next(call)
        struck = true
        // Another attempt of the same run gets everything done before this call arrives.
        await open().register(after, GO_ON)
        return await next(call)
      },
    ]
    expect(await open().register(after, GO_ON)).toMatchObject({ created: 3, updated: 3, deleted: 3 })
    expect(await partitionsOf(database)).toHaveLength(6)
    expect(await countRows(open(), ['state'])).toEqual([{ values: ['TX'], rows: 9 }])
  })

  it('goes on after an answer was lost', async () => {
    const { open, database, ...place } = gluePlace()
    const lost = new Set(['CreateTable', 'BatchCreatePartition', 'UpdateTable'])
    servers.front.faults = [
      async (call, next) => {
        const answer = await next(call)
        return lost.delete(call.operation) ? awsError('InternalServiceException', 'lost', 500) : answer
      },
    ]
    await open().register(await writeSmallLake(partitions(5), place), GO_ON)
    expect(lost.size).toBe(0)
    expect(await partitionsOf(database)).toHaveLength(5)
    expect(await open().registeredRun(GO_ON)).toBe('run 1')
  })

  it('stops before its next call when another run has taken the table over', async () => {
    const { open, database, ...place } = gluePlace()
    await open().register(await writeSmallLake(partitions(1), place), GO_ON)
    const late = await writeSmallLake(partitions(3), { ...place, runId: 'late' })
    const newer = await writeSmallLake(partitions(2), { ...place, runId: 'newer' })
    servers.front.faults = [
      async (call, next) => {
        if (call.operation !== 'UpdateTable') return await next(call)
        servers.front.faults = []
        const answer = await next(call)
        // The late run has its claim and sleeps; the newer one waits for it no longer than it must.
        await open({ claimPatienceMs: 0 }).register(newer, GO_ON)
        return answer
      },
    ]
    await expect(open().register(late, GO_ON)).rejects.toThrow(expect.objectContaining({ code: 'ETL3-GL-03' }))
    expect(await partitionsOf(database)).toHaveLength(2)
    expect(await open().registeredRun(GO_ON)).toBe('newer')
  })

  it('does not touch a table that ETL3 did not make', async () => {
    const { open, database, ...place } = gluePlace()
    const client = new GlueClient({ region: REGION })
    await client.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
    await client.send(
      new CreateTableCommand({ DatabaseName: database, TableInput: { Name: TABLE, Parameters: { mine: 'yes' } } }),
    )
    await expect(open().register(await writeSmallLake(partitions(1), place), GO_ON)).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-GL-04' }),
    )
    expect((await tableOf(database)).Parameters).toEqual({ mine: 'yes' })
  })

  it.each([
    ['AccessDeniedException', 'ETL3-AW-12'],
    ['ExpiredTokenException', 'ETL3-AW-02'],
    ['UnrecognizedClientException', 'ETL3-AW-03'],
    ['InvalidInputException', 'ETL3-AW-13'],
  ])('says why AWS answers %s, and keeps the request out of the error', async (name, code) => {
    const { open, database: _, ...place } = gluePlace()
    process.env['AWS_SESSION_TOKEN'] = 'a-very-secret-token'
    servers.front.faults = [async () => awsError(name, 'not allowed: glue:GetDatabase')]
    try {
      const state = await writeSmallLake([], place)
      const error: unknown = await open()
        .register(state, GO_ON)
        .catch((e: unknown) => e)
      expect(error).toMatchObject({ code, message: expect.stringContaining('glue:GetDatabase') })
      expect(deepText(error)).not.toContain('a-very-secret-token')
    } finally {
      delete process.env['AWS_SESSION_TOKEN']
    }
  })
})

async function ask(database: string, sql: string): Promise<readonly (readonly (string | null)[])[]> {
  const { AthenaQueries } = await import('../../src/lake/glue/athena.js')
  const athena = new AthenaQueries({ region: REGION, database, workgroup: 'primary', outputLocation: undefined })
  const query = await athena.start(sql, GO_ON)
  while (!(await athena.isDone(query, GO_ON))) await new Promise((resolve) => setTimeout(resolve, 10))
  const rows = []
  for await (const row of athena.rows(query, GO_ON)) rows.push(row)
  return rows
}

/** Everything that an error holds, however deep. */
function deepText(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (seen.has(value)) return ''
  seen.add(value)
  return Reflect.ownKeys(value)
    .map((key) => `${String(key)}=${deepText(Reflect.get(value, key), seen)}`)
    .join(';')
}
