import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { signalProcess } from '../../src/runtime/process-identity.js'
import type { ChangedGroup } from '../check-star/changed-group.js'
import { differenceOf, readStamps } from '../check-star/tree.js'
import { Home } from '../e2e/support/home.js'
import { demoStar, type StarOnDisk, withChangedGroup } from '../e2e/support/stars.js'
import { compareTable, filesUnder } from '../oracle/compare-table.js'
import { type Moto, startMoto } from './moto.js'
import { S3Home } from './support/s3-home.js'
import { CREDENTIAL_VARIABLES, type S3Server, settingsFor, startVersitygw } from './support/servers.js'
import { uploadStar } from './support/upload-star.js'

let server: S3Server
let glue: Moto
let star: StarOnDisk
let changed: StarOnDisk
let change: ChangedGroup
let inFolder: Home

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
  glue = await startMoto()
  process.env['AWS_ENDPOINT_URL_GLUE'] = glue.url
  star = await demoStar(400)
  const made = await withChangedGroup(star)
  changed = made.star
  change = made.change
  inFolder = new Home(star.options)
  await inFolder.start().result()
})

afterAll(async () => {
  await inFolder[Symbol.asyncDispose]()
  await Promise.all([server.stop(), glue.stop()])
})

describe('a table in a bucket', () => {
  it.concurrent('has the bytes of one in a folder; a second run writes nothing; a change rewrites only what changed', async () => {
    await using home = await S3Home.make(server, star.options)
    // The input as well: all of the star, with the files of facts by a pattern.
    const input = await uploadStar(star, server.endpoint, home.bucket)
    home.configure({
      star: input,
      input: { tables: { fact_rate: `${input}/gold/fact_rate*.parquet` } },
      processing: { audit: 'full' },
    })
    const first = await home.start().result()
    expect(first).toMatchObject({ status: 'published', outputUri: `s3://${home.bucket}/lake/table` })
    expect(home.tree).toEqual(inFolder.tree)

    const stamps = readStamps(home.table)
    expect((await home.start().result()).status).toBe('unchanged')
    expect(readStamps(home.table)).toEqual(stamps)

    home.configure(changed.options)
    const second = await home.start().result()
    expect(second.partitions).toMatchObject({
      added: change.added.size,
      replaced: change.replaced.size,
      removed: change.removed.size,
    })
    const moved = differenceOf(stamps, readStamps(home.table))
    expect([...moved.added].sort()).toEqual([...change.added].sort())
    expect([...moved.changed].sort()).toEqual([...change.replaced].sort())
    expect([...moved.removed].sort()).toEqual([...change.removed].sort())
    const { problems } = await compareTable({ star: changed.tables, tableRoot: home.table, memoryLimitMb: 512 })
    expect(problems).toEqual([])
  })

  it.concurrent('is the same after the worker was killed while it wrote, published and registered', async () => {
    await using home = await S3Home.make(server, star.options)
    const places = ['write:partition@5', 'publish:partition@5', 'register:before']
    const { status } = await home.start({ ETL3_FAILPOINT: places.join() }).result()
    expect(status).toBe('published')
    for (const place of places) expect(home.struck(place.replace(/@.*/, '')), place).toBe(true)
    expect(home.tree).toEqual(inFolder.tree)
  })

  for (const place of ['write:partition', 'publish:partition', 'report:before-current']) {
    it.concurrent(`is not changed by a worker of an older run that wakes at ${place} after a newer one has published`, async () => {
      const lease = { processing: { lock_lease_ms: 5_000 } }
      await using home = await S3Home.make(server, { ...star.options, ...lease })
      await home.start().result()
      home.configure({ ...changed.options, ...lease })
      await using elsewhere = home.elsewhere()
      const older = home.start({ ETL3_FAILPOINT: place, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
      const late = await home.untilStopped(place)
      await pause(5_500)

      // The input goes back to the first one: what the older run would remove or replace is wanted again.
      home.configure({ ...star.options, ...lease })
      const { runId } = await elsewhere.start().result()
      expect(home.tree).toEqual(inFolder.tree)
      const stamps = readStamps(home.table)

      signalProcess(late, 'SIGCONT')
      expect((await older.failure(6)).kind).toBe('ConflictError')
      expect(readStamps(home.table)).toEqual(stamps)
      expect(home.currentRun).toBe(runId)
    })
  }

  it.concurrent('is planned with a warning that names the value which costs the projected table its keys', async () => {
    await using home = await S3Home.make(server, star.options)
    home.configure({ ...star.options, partitioning: { partition_columns: ['stat_area_name', 'state', 'month'] } })
    const { status, warnings, tableWarnings, runId } = await home.start({}, ['plan']).result()
    expect(status).toBe('planned')
    expect(tableWarnings).toEqual([
      expect.stringMatching(
        /^fact_rate_enriched_projected has no keys: stat_area_name holds '[^']+', which a projection cannot list as it stands \([0-9]+ of/,
      ),
    ])
    const [warning = ''] = tableWarnings ?? []
    for (const file of ['report.md', 'report.html']) {
      const report = readFileSync(join(home.metadata, 'runs', runId, file), 'utf8').replaceAll(
        /&#39;|\\(?=_)/g,
        (sign) => (sign === '&#39;' ? "'" : ''),
      )
      expect(report, file).toContain(warning)
      expect(report, file).toContain('1 about the table')
    }
    home.configure(star.options)
    const plain = await home.start({}, ['plan']).result()
    expect(plain.tableWarnings).toBeUndefined()
    expect(plain.warnings).toBe(warnings - 1)
  })

  it.concurrent('is not begun without credentials: exit 5 and what to do', async () => {
    await using home = await S3Home.make(server, star.options)
    const failure = await home.start({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }).failure(5)
    expect(failure).toMatchObject({ kind: 'UnavailableError', code: 'ETL3-AW-01' })
    expect(failure.message).toContain('AWS credentials not available')
    expect(failure.hint).toContain('AWS_PROFILE')
  })

  it.concurrent('shows no secret in output, log, history or records, also where the server refuses it', async () => {
    await using home = await S3Home.make(server, star.options)
    const secret = 'wrong-secret-that-nobody-may-see'
    const command = home.start({ AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: `${secret}-token` })
    expect(await command.failure(2)).toMatchObject({ code: 'ETL3-AW-03' })
    expect(command.stdout + command.stderr).not.toContain(secret)
    const files = filesUnder(home.root).filter((file) => readFileSync(file).includes(secret))
    expect(files).toEqual([])
    expect(filesUnder(home.root).filter((file) => readFileSync(file).includes('AW-03'))).not.toEqual([])
  })

  it.concurrent('stops where the input changed since it was validated', async () => {
    await using home = await S3Home.make(server, star.options)
    const input = await uploadStar(star, server.endpoint, home.bucket)
    home.configure({ star: input, input: { tables: { fact_rate: `${input}/gold/fact_rate*.parquet` } } })
    const command = home.start({
      ETL3_FAILPOINT: 'activity:stageDimensions:start',
      ETL3_FAILPOINT_SIGNAL: 'SIGSTOP',
    })
    const worker = await home.untilStopped('activity:stageDimensions:start')
    const store = new S3ObjectStore(input, settingsFor(server.endpoint))
    await store.put('dims/dim_pos_set.parquet', Buffer.from('something else'), new AbortController().signal)
    signalProcess(worker, 'SIGCONT')
    const failure = await command.failure(2)
    expect(failure.code).toBe('ETL3-IN-02')
    expect(failure.message).toContain(`${input}/dims/dim_pos_set.parquet`)
  })
})
