/**
 * Whole runs that ask Athena for their rows before they end: `etl3 run`, a table on versitygw, Glue's API on moto, and an
 * Athena that reads the published objects as Glue describes them.
 */
import { rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { RunLock } from '../../src/lake/run-lock.js'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { signalProcess } from '../../src/runtime/process-identity.js'
import { connectClient } from '../../src/runtime/temporal/connection.js'
import type { Command } from '../e2e/support/command.js'
import type { HomeOptions } from '../e2e/support/home.js'
import { demoStar, type StarOnDisk } from '../e2e/support/stars.js'
import { until } from '../e2e/support/until.js'
import { filesUnder } from '../oracle/compare-table.js'
import { createOracleTable, DEFAULT_OPTIONS, type StarTables } from '../oracle/oracle-table.js'
import { GO_ON } from '../unit/lake/folder/lake-folder.js'
import type { Handler } from './json-front.js'
import { type CountingLake, countingLake } from './support/counting-lake.js'
import { S3Home } from './support/s3-home.js'
import { settingsFor } from './support/servers.js'

const PARTITIONING = { partition_columns: ['payer_slug', 'state', 'billing_class', 'procedure_set', 'month'] }
/** A few wrong facts are a large share of so small a star. */
const QUALITY = { rules: { rate_range: { max_share: 1 } } }
const LEASE_MS = 4_000
const FOREVER = Number.POSITIVE_INFINITY

let lake: CountingLake
let star: StarOnDisk
let options: HomeOptions
/** Its folder has the worker of the runs that do not bring their own. */
let lasting: S3Home
let client: Client

beforeAll(async () => {
  lake = await countingLake()
  star = await demoStar(120)
  options = {
    ...star.options,
    partitioning: PARTITIONING,
    data_quality: QUALITY,
    athena: { count_rows: true, poll_ms: 100 },
  }
  const temporal = { task_queue: `etl3-counted-runs-${process.pid}`, heartbeat_timeout_ms: 8_000 }
  lasting = await S3Home.make(lake.s3, { ...options, temporal })
  const dev = lasting.start({}, ['dev', '--port', '0', '--ui-port', '0'])
  await until('a server and a worker', () => dev.stdout.includes('"address"'))
  const { address } = z.object({ address: z.string() }).parse(JSON.parse(dev.stdout))
  options = { ...options, temporal: { ...temporal, address } }
  client = await connectClient({ address, namespace: 'default', useProfile: false }, 10_000)
})

afterAll(async () => {
  await client.connection.close()
  await lasting[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

beforeEach(() => {
  lake.front.faults = []
  lake.front.calls.length = 0
  lake.athena.looksUntilDone = 1
})

describe('a run that counts', () => {
  it('is published when Athena counts what was joined, and looks at the query now and then', async () => {
    lake.athena.looksUntilDone = 3
    const home = await lasting.neighbour(options)
    const results = answersTo('GetQueryResults')
    expect((await home.start().result()).status).toBe('published')

    expect(lake.front.bodies('StartQueryExecution')).toMatchObject([
      {
        QueryString: `SELECT "payer_slug", "state", count(*) FROM "${databaseOf(home)}"."fact_rate_enriched" GROUP BY 1, 2`,
        QueryExecutionContext: { Database: databaseOf(home) },
      },
    ])
    const [, ...counts] = results.flatMap(rowsIn)
    expect(counts.toSorted()).toEqual(await countsOf(star.tables))
    expect(await courseOf(home)).toBe(
      'registerTables timer lookAtCount timer lookAtCount timer lookAtCount timer lookAtCount removePartitions',
    )
    expect(lake.front.bodies('StopQueryExecution')).toEqual([])
  })

  it("leaves its worker's only slot to another run meanwhile, and stops its query when it is cancelled", async () => {
    lake.athena.looksUntilDone = FOREVER
    const home = await lasting.neighbour(options)
    const command = home.start()
    await lookedAt(command, 2)
    const query = onlyQuery()
    lake.athena.looksUntilDone = 1
    const other = await lasting.neighbour(options)
    expect((await other.start().result()).status).toBe('published')
    expect(lake.athena.states).toContain('RUNNING')

    command.child.kill('SIGINT')
    expect(await command.exited).toBe(130)
    expect((await client.workflow.getHandle(home.workflowId).describe()).status.name).toBe('CANCELLED')
    expect(await courseOf(home)).toMatch(/ stopCount closeRun$/)
    expect(lake.front.bodies('StopQueryExecution')).toEqual([{ QueryExecutionId: query }])
    expect(lake.athena.states).not.toContain('RUNNING')
  })

  it('keeps the lock of its table while Athena takes longer than a lease', async () => {
    lake.athena.looksUntilDone = FOREVER
    const home = await lasting.neighbour({
      ...options,
      processing: { lock_lease_ms: LEASE_MS },
      athena: { ...options.athena, poll_ms: LEASE_MS },
    })
    const command = home.start()
    await lookedAt(command, 1)
    await pause(LEASE_MS * 1.25)
    const store = new S3ObjectStore(`s3://${home.bucket}/lake/etl3`, settingsFor(lake.s3.endpoint))
    const elsewhere = new RunLock(store, { host: 'another machine' })
    await expect(elsewhere.acquire({ owner: 'somebody else', runId: 'another' }, GO_ON)).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-LK-01' }),
    )
    lake.athena.finish()
    expect((await command.result()).status).toBe('published')
  })
})

describe('a run whose count is not that of its ledger fails and names what differs', () => {
  it('where Athena gives another number; the next run asks again', async () => {
    const home = await lasting.neighbour(options)
    const [[payer, state, rows] = []] = (await countsOf(star.tables)).map(parsedRow)
    lake.front.faults = [
      async (call, next) => {
        const answer = await next(call)
        if (call.operation !== 'GetQueryResults') return answer
        const { ResultSet } = resultSchema.parse(answer.body)
        const row = ResultSet.Rows.find(({ Data: [a, b] }) => a?.VarCharValue === payer && b?.VarCharValue === state)
        row?.Data.splice(2, 1, { VarCharValue: String(Number(rows) + 1) })
        return { ...answer, body: { ResultSet } }
      },
    ]
    expect(await home.start().failure(1)).toMatchObject({
      kind: 'IntegrityError',
      code: 'ETL3-CA-01',
      message: expect.stringContaining(
        `the catalog counts other rows than the ledger [glue://${databaseOf(home)}]: 1 of ` +
          `${(await countsOf(star.tables)).length} groups; first: payer_slug '${payer}', state '${state}': ` +
          `${Number(rows) + 1} rows, ${rows} in the ledger; all `,
      ),
    })
    lake.front.faults = []
    expect((await home.start().result()).status).toBe('published')
  })

  it('where Athena answers no query, which is told as that', async () => {
    const home = await lasting.neighbour(options)
    lake.front.faults = [
      async (call, next) =>
        call.operation === 'GetQueryResults' ? { status: 200, body: { ResultSet: { Rows: [] } } } : await next(call),
    ]
    expect(await home.start().failure(1)).toMatchObject({
      code: 'ETL3-CA-01',
      message: expect.stringMatching(/^the catalog counts no row at all, .*it answers no query, .*\(moto\)/),
      hint: expect.stringContaining('athena.count_rows: false'),
    })
  })

  it('where a partition has gone from Glue; the next run puts it back', async () => {
    const home = await lasting.neighbour(options)
    let values: readonly string[] = []
    lake.front.faults = [
      beforeQuery(async (next) => {
        const place = { DatabaseName: databaseOf(home), TableName: 'fact_rate_enriched' }
        const answer = await next({ operation: 'GetPartitions', body: place })
        const [first] = partitionsSchema.parse(answer.body).Partitions
        values = first?.Values ?? []
        await next({ operation: 'BatchDeletePartition', body: { ...place, PartitionsToDelete: [{ Values: values }] } })
      }),
    ]
    const { code, message } = await home.start().failure(1)
    expect(code).toBe('ETL3-CA-01')
    expect(message).toContain(`first: payer_slug '${values[0]}', state '${values[1]}': `)
    lake.front.faults = []
    expect((await home.start().result()).status).toBe('published')
  })

  it('where a published object has gone; the next run plans anew and puts it back', async () => {
    const home = await lasting.neighbour(options)
    let gone = ''
    lake.front.faults = [
      beforeQuery(async () => {
        gone = filesUnder(home.table)[0] ?? ''
        await rm(gone)
      }),
    ]
    const failure = await home.start().failure(1)
    const [, payer, state] = /payer_slug=([^/]+)\/state=([^/]+)\//.exec(gone) ?? []
    expect(failure.code).toBe('ETL3-CA-01')
    expect(failure.message).toContain(`first: payer_slug '${payer}', state '${state}': `)
    expect(failure.message).toMatch(/ is not what was published$/)
    lake.front.faults = []
    expect((await home.start().result()).partitions.added).toBeGreaterThan(0)
    expect(filesUnder(home.table)).toContain(gone)
  })
})

describe('a run whose query comes to nothing says why', () => {
  it("with Athena's own words where it failed, and asks no second time", async () => {
    lake.athena.looksUntilDone = FOREVER
    const home = await lasting.neighbour(options)
    const reason = 'GENERIC_INTERNAL_ERROR: Query exhausted resources at this scale factor'
    let looks = 0
    lake.front.faults = [
      async (call, next) => {
        if (call.operation !== 'GetQueryExecution' || ++looks < 3) return await next(call)
        const Status = { State: 'FAILED', StateChangeReason: reason, AthenaError: { ErrorMessage: reason } }
        return { status: 200, body: { QueryExecution: { ...call.body, Status } } }
      },
    ]
    const command = home.start()
    expect(await command.failure(5)).toMatchObject({
      kind: 'UnavailableError',
      code: 'ETL3-AT-01',
      message: `Athena's query has failed: ${reason} [query ${String(onlyQuery())}]`,
    })
    expect(command.stdout + command.stderr).not.toMatch(/^\s+at /m)
    expect(looks).toBe(3)
    expect(lake.front.bodies('StartQueryExecution')).toHaveLength(1)
  })

  it('after athena.query_timeout_ms where it does not end, and stops it; the next run has the time that it is given', async () => {
    lake.athena.looksUntilDone = FOREVER
    const home = await lasting.neighbour({ ...options, athena: { ...options.athena, query_timeout_ms: 1_000 } })
    const failure = await home.start().failure(5)
    const query = onlyQuery()
    expect(failure).toMatchObject({
      kind: 'UnavailableError',
      code: 'ETL3-AT-02',
      message: `Athena's query takes longer than 1 s [query ${String(query)}]`,
      hint: expect.stringContaining('athena.query_timeout_ms'),
    })
    expect(lake.front.bodies('StopQueryExecution')).toEqual([{ QueryExecutionId: query }])
    // More than a second.
    lake.athena.looksUntilDone = 8
    home.configure(options)
    expect((await home.start().result()).status).toBe('published')
    expect(lake.front.bodies('StartQueryExecution')).toHaveLength(2)
  })
})

describe('a run whose worker is killed while Athena counts', () => {
  it('goes on with the same query', async () => {
    lake.athena.looksUntilDone = FOREVER
    await using home = await S3Home.make(lake.s3, withOwnServer(options))
    const command = home.start()
    await lookedAt(command, 2)
    const [worker] = home.workers
    if (!worker) throw new Error('no worker runs')
    signalProcess(worker, 'SIGKILL')
    await until('another worker', () => home.workers.some(({ pid }) => pid !== worker.pid))
    await lookedAt(command, lake.front.bodies('GetQueryExecution').length + 1)
    lake.athena.finish()
    expect((await command.result()).status).toBe('published')
    onlyQuery()
    expect(lake.front.bodies('StartQueryExecution')).toHaveLength(1)
    expect(lake.front.bodies('StopQueryExecution')).toEqual([])
  })

  it('asks a second time where the first query was known to the killed worker only', async () => {
    await using home = await S3Home.make(lake.s3, withOwnServer(options))
    const place = 'activity:registerTables:end'
    expect((await home.start({ ETL3_FAILPOINT: place }).result()).status).toBe('published')
    expect(home.struck(place)).toBe(true)
    expect(lake.front.bodies('StartQueryExecution')).toHaveLength(2)
    // Nobody looks at the first one any more.
    onlyQuery()
  })
})

function databaseOf({ bucket }: S3Home): string {
  return bucket.replaceAll('-', '_')
}

/** The same for a run that starts a server and a worker for itself. */
function withOwnServer({ temporal: _, ...others }: HomeOptions): HomeOptions {
  return others
}

/** Waits until Athena was asked so many times how far a query is. @throws Error when the run ends before */
async function lookedAt(command: Command, times: number): Promise<void> {
  const looks = until(`${times} looks at the query`, () => lake.front.bodies('GetQueryExecution').length >= times)
  const end = command.exited.then(() => {
    throw new Error(`the run ended before ${times} looks: ${command.stdout}${command.stderr}`)
  })
  await Promise.race([looks, end])
}

/** Id of the one query that was looked at. */
function onlyQuery(): unknown {
  const queries = new Set(lake.front.bodies('GetQueryExecution').map(({ QueryExecutionId }) => QueryExecutionId))
  expect(queries.size).toBe(1)
  return [...queries][0]
}

/** What is answered to one operation from now on. */
function answersTo(operation: string): readonly unknown[] {
  const answers: unknown[] = []
  lake.front.faults.push(async (call, next) => {
    const answer = await next(call)
    if (call.operation === operation) answers.push(answer.body)
    return answer
  })
  return answers
}

/** Does something between the registration and the query. */
function beforeQuery(act: (next: Parameters<Handler>[1]) => Promise<void>): Handler {
  return async (call, next) => {
    if (call.operation === 'StartQueryExecution') await act(next)
    return await next(call)
  }
}

const partitionsSchema = z.object({ Partitions: z.array(z.object({ Values: z.array(z.string()) })) })

const resultSchema = z.object({
  ResultSet: z.looseObject({
    Rows: z.array(z.object({ Data: z.array(z.object({ VarCharValue: z.string().optional() })) })),
  }),
})

/** Rows of a page of Athena's, the line of names among them, as JSON. */
function rowsIn(page: unknown): string[] {
  const { Rows } = resultSchema.parse(page).ResultSet
  return Rows.map(({ Data }) => JSON.stringify(Data.map(({ VarCharValue = null }) => VarCharValue)))
}

function parsedRow(row: string): readonly (string | null)[] {
  return z.array(z.string().nullable()).parse(JSON.parse(row))
}

/** Payer, state and rows as the join of the star has them, as JSON, in the order of that text. */
async function countsOf(tables: StarTables): Promise<string[]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    await createOracleTable(connection, tables, {
      ...DEFAULT_OPTIONS,
      partitionColumns: PARTITIONING.partition_columns,
    })
    const rows = await connection.runAndReadAll('SELECT payer_slug, state, count(*)::VARCHAR FROM oracle GROUP BY ALL')
    return rows
      .getRowsJson()
      .map((row) => JSON.stringify(row))
      .toSorted()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** What the workflow did from the registration on: its activities and its pauses. */
async function courseOf(home: S3Home): Promise<string> {
  const { events } = await client.workflow.getHandle(home.workflowId).fetchHistory()
  const steps = (events ?? []).flatMap(
    ({ activityTaskScheduledEventAttributes: step, timerStartedEventAttributes: timer }) =>
      timer ? ['timer'] : (step?.activityType?.name ?? []),
  )
  return steps
    .slice(steps.indexOf('registerTables'))
    .filter((step) => step !== 'writeReport')
    .join(' ')
}
