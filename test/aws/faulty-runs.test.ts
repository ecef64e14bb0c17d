/**
 * Whole runs over a network that breaks: `etl3 run`, TCP by toxiproxy, the protocol by a proxy of ours, S3 and Glue behind
 * them. Each run ends with the bytes of an undisturbed one, or says clearly why it did not, leaves the table that was
 * there as it was, and the same command brings the right bytes once the fault is gone.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { differenceOf, sentenceOf, type Tree } from '../check-star/tree.js'
import type { HomeOptions } from '../e2e/support/home.js'
import { demoStar } from '../e2e/support/stars.js'
import { until } from '../e2e/support/until.js'
import { glueRules } from './glue-rules.js'
import { JsonFront } from './json-front.js'
import { leavingOut } from './leaving-out.js'
import { type Moto, startMoto } from './moto.js'
import { type Fault, FaultProxy, type SeenRequest } from './support/fault-proxy.js'
import { type GlueContents, glueContents } from './support/glue-contents.js'
import { S3Home } from './support/s3-home.js'
import { numbersOf } from './support/seeded-numbers.js'
import { CREDENTIAL_VARIABLES, type S3Server, startVersitygw } from './support/servers.js'
import { type TcpWay, Toxiproxy } from './support/toxiproxy.js'

/** In two files, a hundred partitions or so: some hundred requests a run. */
const FACTS = 120
const PARTITIONING = { partition_columns: ['payer_slug', 'state', 'billing_class', 'procedure_set', 'month'] }
/** A run that cannot give its lock back keeps the next one out for so long. */
const LEASE_MS = 15_000
const TEMPORAL = { task_queue: `etl3-faulty-runs-${process.pid}`, heartbeat_timeout_ms: 8_000 }
/** A few wrong facts are a large share of so small a star. */
const QUALITY = { rules: { rate_range: { severity: 'warn' } } }

/** What a table has to be, found by runs that nobody disturbs. */
interface Due {
  readonly tree: Tree
  readonly glue: GlueContents
}

/** From ETL3 to a server: first its TCP, then its protocol. */
interface Way {
  readonly tcp: TcpWay
  readonly http: FaultProxy
}

let server: S3Server
let moto: Moto
let front: JsonFront
let toxiproxy: Toxiproxy
let s3: Way
let glue: Way
/** The star, and the same without its second file of facts: what a table changes between. */
let whole: HomeOptions
let half: HomeOptions
let due: { readonly whole: Due; readonly half: Due }
/** Its table changes with each run that fails and is repeated; its folder has the worker of all runs. */
let lasting: S3Home

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
  moto = await startMoto()
  front = await JsonFront.open(moto.url, glueRules())
  toxiproxy = await Toxiproxy.start()
  s3 = await wayTo(server.endpoint)
  glue = await wayTo(front.url)
  process.env['AWS_ENDPOINT_URL_GLUE'] = glue.tcp.endpoint
  const { root, options } = await demoStar(FACTS)
  const common = { partitioning: PARTITIONING, data_quality: QUALITY, temporal: TEMPORAL }
  half = { star: root, ...common }
  lasting = await S3Home.make(server, half)
  // One server and one worker for all runs of this file.
  const dev = lasting.start({}, ['dev', '--port', '0', '--ui-port', '0'])
  await until('a server and a worker', () => dev.stdout.includes('"address"'))
  const { address } = z.object({ address: z.string() }).parse(JSON.parse(dev.stdout))
  half = { ...half, temporal: { ...TEMPORAL, address } }
  whole = { ...options, ...common, temporal: { ...TEMPORAL, address } }

  // Nobody disturbs these two, and they talk to the S3 server itself.
  lasting.configure({ ...half, s3: { endpoint: server.endpoint } })
  await lasting.start().result()
  const before = await stateOf(lasting)
  lasting.configure({ ...whole, s3: { endpoint: server.endpoint } })
  await lasting.start().result()
  due = { half: before, whole: await stateOf(lasting) }
  const { added, changed } = differenceOf(due.half.tree, due.whole.tree)
  // Either way there is something to replace after the first two copies.
  expect(added.size).toBeGreaterThan(0)
  expect(changed.size).toBeGreaterThan(2)
})

afterAll(async () => {
  await lasting[Symbol.asyncDispose]()
  await Promise.all([s3.http.stop(), glue.http.stop(), toxiproxy.stop()])
  await front.close()
  await Promise.all([server.stop(), moto.stop()])
})

beforeEach(heal)

async function wayTo(upstream: string): Promise<Way> {
  const http = await FaultProxy.start(upstream, { keepConditions: upstream === server.endpoint })
  return { tcp: await toxiproxy.open(http.endpoint), http }
}

async function heal(): Promise<void> {
  front.faults = []
  for (const { tcp, http } of [s3, glue]) {
    http.rule = () => undefined
    http.rewrite = undefined
    http.seen.length = 0
    await tcp.heal()
  }
}

async function stateOf(home: S3Home): Promise<Due> {
  return { tree: home.tree, glue: await glueContents(moto.url, home.bucket) }
}

async function expectState(home: S3Home, { tree, glue: contents }: Due): Promise<void> {
  expect(sentenceOf(differenceOf(tree, home.tree))).toBeUndefined()
  expect(await glueContents(moto.url, home.bucket)).toEqual(contents)
}

/** @param attempts many where faults are frequent: no request is to fail for good by chance */
function optionsFor(options: HomeOptions, attempts = 25): HomeOptions {
  return {
    ...options,
    processing: { lock_lease_ms: LEASE_MS },
    s3: { endpoint: s3.tcp.endpoint, attempts, request_timeout_ms: 5_000 },
  }
}

/** Strikes a share of the requests, the same ones for the same order. */
function share(
  part: number,
  fault: (request: SeenRequest) => Fault | undefined,
): (r: SeenRequest) => Fault | undefined {
  const random = numbersOf(11)
  return (request) => (random() < part ? fault(request) : undefined)
}

const answer = (status: number, code: string, headers: Record<string, string> = {}): Fault => ({
  kind: 'answer',
  status,
  code,
  headers,
})

const isRead = ({ method, url }: SeenRequest): boolean => method === 'GET' && !url.includes('list-type')
const isObject = ({ method, url, headers }: SeenRequest): boolean =>
  method === 'PUT' && url.includes('/objects/') && headers['x-amz-copy-source'] === undefined
const isCopy = ({ headers }: SeenRequest): boolean => headers['x-amz-copy-source'] !== undefined

describe('a run gives the bytes and the catalog of an undisturbed one', () => {
  const faults: Readonly<Record<string, () => Promise<void> | void>> = {
    'with 20 ms more for every request, and 500 for 2 % of them': () => {
      const slow: Fault = { kind: 'latency', ms: 20 }
      const random = numbersOf(2)
      const rule = (code: string) => () => (random() < 0.02 ? answer(500, code) : slow)
      s3.http.rule = rule('InternalError')
      glue.http.rule = rule('InternalServiceException')
    },
    'with an S3 that says SlowDown to 50 %, a Glue that throttles 30 % and leaves items out of its batches': () => {
      s3.http.rule = share(0.5, () => answer(503, 'SlowDown'))
      glue.http.rule = share(0.3, () => answer(400, 'ThrottlingException'))
      front.faults = [leavingOut('ThrottlingException', 2), leavingOut('InternalServiceException', 2)]
    },
    'with 20 % of the answers lost or cut off': () => {
      const random = numbersOf(3)
      const breaks: readonly Fault[] = [
        { kind: 'loseReply' },
        { kind: 'reset', afterBytes: 0 },
        { kind: 'reset', afterBytes: 7 },
        { kind: 'reset', afterBytes: 5_000 },
      ]
      for (const { http } of [s3, glue]) http.rule = share(0.2, () => breaks[Math.floor(random() * breaks.length)])
    },
    'with 20 % of the bodies damaged or cut short': () => {
      const random = numbersOf(5)
      s3.http.rule = share(0.2, (request) => {
        if (request.method === 'PUT') return { kind: 'corruptRequest' }
        // A list that is damaged in a key is one that S3 gives no checksum for.
        return isRead(request) && random() < 0.5 ? { kind: 'corrupt' } : { kind: 'truncate' }
      })
      glue.http.rule = share(0.2, () => ({ kind: 'truncate' }))
    },
    'over a slow line with jitter': async () => {
      for (const { tcp } of [s3, glue]) {
        await tcp.poison(
          { type: 'latency', attributes: { latency: 15, jitter: 10 } },
          { type: 'slicer', attributes: { average_size: 1_000, size_variation: 500, delay: 10 } },
          { type: 'bandwidth', stream: 'upstream', attributes: { rate: 4_000 } },
        )
      }
    },
    'with a third of the connections reset at their first answer': async () => {
      for (const { tcp } of [s3, glue]) {
        await tcp.poison({ type: 'reset_peer', toxicity: 0.3, attributes: { timeout: 20 } })
      }
    },
    'with a third of the connections closed after some bytes, and some that never answer': async () => {
      for (const { tcp } of [s3, glue]) {
        await tcp.poison(
          { type: 'limit_data', toxicity: 0.3, attributes: { bytes: 9_000 } },
          { type: 'limit_data', stream: 'upstream', toxicity: 0.3, attributes: { bytes: 30_001 } },
        )
      }
      await s3.tcp.poison({ type: 'timeout', toxicity: 0.05, attributes: { timeout: 0 } })
    },
  }

  for (const [words, strike] of Object.entries(faults)) {
    it(words, async () => {
      const home = await lasting.neighbour(optionsFor(whole))
      await strike()
      expect((await home.start().result()).status).toBe('published')
      await heal()
      await expectState(home, due.whole)
    })
  }

  it('with the answer lost to the request that makes it the current run', async () => {
    const home = await lasting.neighbour(optionsFor(whole))
    let asked = 0
    s3.http.rule = (request) =>
      isCopy(request) && request.url.endsWith('/current.json') && asked++ === 0 ? { kind: 'loseReply' } : undefined
    expect((await home.start().result()).status).toBe('published')
    expect(asked).toBeGreaterThan(1)
    await heal()
    await expectState(home, due.whole)
  })

  it('with an S3 that is away for two seconds while it writes', async () => {
    const home = await lasting.neighbour(optionsFor(whole))
    let away: Promise<void> | undefined
    s3.http.rule = (request) => {
      if (isObject(request)) away ??= goAway(s3.tcp, 2_000)
      return undefined
    }
    expect((await home.start().result()).status).toBe('published')
    await away
    expect(away).toBeDefined()
    await expectState(home, due.whole)
  })
})

async function goAway(way: TcpWay, ms: number): Promise<void> {
  await way.close()
  await pause(ms)
  await way.heal()
}

/** A fault that a run cannot get past, and what it says. */
interface FinalFault {
  readonly words: string
  readonly strike: () => Promise<void> | void
  readonly exitCode: number
  readonly code: string
  readonly hint: string
  /** How far the table may have come: not at all, some objects of it, or all of them. */
  readonly table: 'old' | 'mixed' | 'new'
  /** The run could not give its lock back either. */
  readonly keepsLock?: true
}

/** The first requests of a kind pass, the others do not. */
function after(passes: number, matches: (request: SeenRequest) => boolean, fault: Fault): FaultProxy['rule'] {
  let seen = 0
  return (request) => (matches(request) && ++seen > passes ? fault : undefined)
}

const FINAL: readonly FinalFault[] = [
  {
    words: 'a token that expires while it writes',
    strike: () => {
      let expired = false
      s3.http.rule = (request) => {
        expired ||= isObject(request)
        return expired ? answer(400, 'ExpiredToken') : undefined
      }
    },
    ...{ exitCode: 5, code: 'ETL3-AW-02', hint: 'Sign in again', table: 'old', keepsLock: true },
  },
  {
    words: 'objects that it may not write',
    strike: () => {
      s3.http.rule = after(2, isObject, answer(403, 'AccessDenied'))
    },
    ...{ exitCode: 2, code: 'ETL3-AW-04', hint: 'iam-policy', table: 'old' },
  },
  {
    words: 'a bucket of another region',
    strike: () => {
      s3.http.rule = () => answer(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-central-1' })
    },
    ...{ exitCode: 2, code: 'ETL3-AW-05', hint: 'eu-central-1', table: 'old' },
  },
  {
    words: 'a store that is too busy all the time',
    strike: () => {
      s3.http.rule = after(2, isObject, answer(503, 'SlowDown'))
    },
    ...{ exitCode: 5, code: 'ETL3-AW-07', hint: 'resumes', table: 'old' },
  },
  {
    words: 'objects that arrive damaged each time',
    strike: () => {
      s3.http.rule = (request) =>
        isRead(request) && request.url.includes('/objects/') ? { kind: 'corrupt' } : undefined
    },
    ...{ exitCode: 5, code: 'ETL3-AW-08', hint: 'Run again', table: 'old' },
  },
  {
    words: 'a right that is taken away while it publishes',
    strike: () => {
      s3.http.rule = after(2, isCopy, answer(403, 'AccessDenied'))
    },
    ...{ exitCode: 2, code: 'ETL3-AW-04', hint: 'iam-policy', table: 'mixed' },
  },
  {
    words: 'a Glue that refuses its partitions',
    strike: () => {
      glue.http.rule = after(0, ({ operation }) => operation.startsWith('Batch'), answer(400, 'AccessDeniedException'))
    },
    ...{ exitCode: 2, code: 'ETL3-AW-12', hint: 'etl3 iam-policy', table: 'new' },
  },
  {
    words: 'a Glue that refuses one item of a batch',
    strike: () => {
      front.faults = [leavingOut('ResourceNumberLimitExceededException', 1)]
    },
    ...{ exitCode: 1, code: 'ETL3-GL-01', hint: 'Service Quotas', table: 'new' },
  },
  {
    words: 'a token that has expired for Glue while it registers',
    strike: () => {
      let expired = false
      glue.http.rule = ({ operation }) => {
        expired ||= operation.includes('Partitions')
        return expired ? answer(400, 'ExpiredTokenException') : undefined
      }
    },
    ...{ exitCode: 5, code: 'ETL3-AW-02', hint: 'resumes', table: 'new' },
  },
  {
    words: 'an S3 that is gone',
    strike: () => s3.tcp.close(),
    ...{ exitCode: 5, code: 'ETL3-AW-07', hint: 'network', table: 'old' },
  },
]

describe('a run says why it did not come to its end, and the same command makes up for it', () => {
  for (const [i, { words, strike, exitCode, code, hint, table, keepsLock }] of FINAL.entries()) {
    it(`after ${words}`, async () => {
      const [from, to] = i % 2 === 0 ? [due.whole, due.half] : [due.half, due.whole]
      await expectState(lasting, from)
      const run = lasting.currentRun
      lasting.configure(optionsFor(i % 2 === 0 ? half : whole, 2))
      await strike()
      const command = lasting.start()
      const failure = await command.failure(exitCode)
      expect(failure).toMatchObject({ code, hint: expect.stringContaining(hint) })
      expect(command.stdout + command.stderr).not.toContain(CREDENTIAL_VARIABLES.AWS_SECRET_ACCESS_KEY)

      expect(lasting.currentRun).toBe(run)
      if (table === 'old') await expectState(lasting, from)
      if (table === 'mixed') expectEachFrom(lasting.tree, from.tree, to.tree)
      if (table === 'new') expectNothingLost(lasting.tree, from.tree, to.tree)

      await heal()
      if (keepsLock) await pause(LEASE_MS)
      expect((await lasting.start().result()).status).toBe('published')
      await expectState(lasting, to)
    })
  }
})

/** Each file is that of one state or the other, whole. */
function expectEachFrom(tree: Tree, from: Tree, to: Tree): void {
  for (const [path, digest] of tree) expect([from.get(path), to.get(path)], path).toContain(digest)
  expect(sentenceOf(differenceOf(from, tree))).not.toBeUndefined()
  expect(sentenceOf(differenceOf(to, tree))).not.toBeUndefined()
}

/** Every file of the new state is there, and what vanishes is still where the catalog leads. */
function expectNothingLost(tree: Tree, from: Tree, to: Tree): void {
  for (const [path, digest] of to) expect([path, tree.get(path)]).toEqual([path, digest])
  for (const [path, digest] of from) if (!to.has(path)) expect([path, tree.get(path)]).toEqual([path, digest])
}
