/** What breaks between ETL3 and a bucket: each fault ends in success or in a clear failure, and never in other bytes. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PART_BYTES } from '../../src/lake/s3/digests.js'
import type { S3Settings } from '../../src/lake/s3/settings.js'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { GO_ON, lakeFolder } from '../unit/lake/folder/lake-folder.js'
import { FaultProxy, type Rule, type SeenRequest } from './support/fault-proxy.js'
import { numbersOf } from './support/seeded-numbers.js'
import { CREDENTIAL_VARIABLES, makeBucket, type S3Server, settingsFor, startVersitygw } from './support/servers.js'

let server: S3Server
let proxy: FaultProxy
let bucket: string
let made = 0

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
  proxy = await FaultProxy.start(server.endpoint, { keepConditions: true })
  bucket = await makeBucket(server.endpoint)
})

afterAll(async () => {
  await proxy.stop()
  await server.stop()
})

beforeEach(() => {
  proxy.rule = () => undefined
  proxy.seen.length = 0
})

/** A new prefix, through the proxy and past it. */
function stores(settings: Partial<S3Settings> = {}): { readonly store: S3ObjectStore; readonly direct: S3ObjectStore } {
  made += 1
  const uri = `s3://${bucket}/p${made}`
  return {
    store: new S3ObjectStore(uri, settingsFor(proxy.endpoint, settings)),
    direct: new S3ObjectStore(uri, settingsFor(server.endpoint)),
  }
}

const text = (value: string): Buffer => Buffer.from(value)

/** Breaks the first `times` requests that match. */
function first(times: number, matches: (request: SeenRequest) => boolean, fault: ReturnType<Rule>): Rule {
  let left = times
  return (request) => (matches(request) && left-- > 0 ? fault : undefined)
}

const isPut = ({ method, headers }: SeenRequest): boolean =>
  method === 'PUT' && headers['x-amz-copy-source'] === undefined
const isCopy = ({ headers }: SeenRequest): boolean => headers['x-amz-copy-source'] !== undefined
const isGet = ({ method, url }: SeenRequest): boolean => method === 'GET' && !url.includes('list-type')

describe('a share of refusals and broken connections', () => {
  it.each([
    ['500 at 20 %', 0.2, { kind: 'answer', status: 500, code: 'InternalError' }],
    ['503 SlowDown at 50 %', 0.5, { kind: 'answer', status: 503, code: 'SlowDown' }],
    ['resets at 30 %', 0.3, { kind: 'reset', afterBytes: 0 }],
    ['resets after 5 bytes at 30 %', 0.3, { kind: 'reset', afterBytes: 5 }],
    ['lost answers at 30 %', 0.3, { kind: 'loseReply' }],
    ['damaged answers at 30 %', 0.3, { kind: 'corrupt' }],
    ['cut answers at 30 %', 0.3, { kind: 'truncate' }],
    ['damaged requests at 20 %', 0.2, { kind: 'corruptRequest' }],
    ['latency', 1, { kind: 'latency', ms: 20 }],
  ] as const)('%s: everything ends up as it was meant', async (_, share, fault) => {
    const { store, direct } = stores({ attempts: 25 })
    const random = numbersOf(7)
    proxy.rule = (request) => {
      // A list that is damaged in a key is one that S3 gives no checksum for.
      const damagesText = fault.kind === 'corrupt' && !isGet(request)
      return !damagesText && random() < share ? fault : undefined
    }
    const bodies = Array.from({ length: 12 }, (__, i) => randomBytes(1000 + i))
    const started = []
    for (const [i, body] of bodies.entries()) started.push(await store.startPut(`o/${i}`, [body], GO_ON))
    for (const { stored } of started) await stored
    for (const [i, body] of bodies.entries()) {
      expect(Buffer.from(await store.get(`o/${i}`, GO_ON)).equals(body)).toBe(true)
      const local = await store.fetchLocal(`o/${i}`, lakeFolder(), GO_ON)
      expect(readFileSync(local).equals(body)).toBe(true)
      const outcome = await store.publish(store.locate(`o/${i}`), `t/${i}`, { expect: 'absent' }, GO_ON)
      // A copy whose answer was lost meets itself: the bytes tell (publishPartitions looks at them).
      if (outcome.outcome !== 'moved') expect(outcome.found?.bytes).toBe(body.length)
    }
    await store.delete(
      bodies.map((__, i) => `o/${i}`),
      GO_ON,
    )
    proxy.rule = () => undefined
    const left: string[] = []
    for await (const { key } of direct.list('', GO_ON)) left.push(key)
    expect(left.sort()).toEqual(bodies.map((__, i) => `t/${i}`).sort())
    for (const [i, body] of bodies.entries()) {
      expect(Buffer.from(await direct.get(`t/${i}`, GO_ON)).equals(body)).toBe(true)
    }
  })
})

describe('an answer that was lost', () => {
  it('is settled by a look: the object is not sent again', async () => {
    const { store, direct } = stores()
    proxy.rule = first(1, isPut, { kind: 'loseReply' })
    await store.put('x', text('hello'), GO_ON)
    expect(proxy.seen.filter(isPut)).toHaveLength(1)
    expect(Buffer.from(await direct.get('x', GO_ON)).toString()).toBe('hello')
  })

  it('does not make a record somebody else’s', async () => {
    const { store } = stores()
    proxy.rule = first(1, isPut, { kind: 'loseReply' })
    expect(Buffer.from(await store.putIfAbsent('r', text('mine'), GO_ON)).toString()).toBe('mine')
  })

  it('leaves a publication either moved or recognisable by its bytes', async () => {
    const { store, direct } = stores()
    await direct.put('from', text('new'), GO_ON)
    proxy.rule = first(1, isCopy, { kind: 'loseReply' })
    const outcome = await store.publish(store.locate('from'), 'to', { expect: 'absent' }, GO_ON)
    expect(outcome).toMatchObject({ outcome: 'mismatch', found: { bytes: 3 } })
    expect(Buffer.from(await direct.get('to', GO_ON)).toString()).toBe('new')
  })

  it('of the end of an upload in parts is settled by a look as well', async () => {
    const { store, direct } = stores()
    const body = randomBytes(PART_BYTES + 100)
    proxy.rule = first(1, ({ method, url }) => method === 'POST' && url.includes('uploadId='), { kind: 'loseReply' })
    const { bytes, etag } = await store.put('big', body, GO_ON)
    expect(bytes).toBe(body.length)
    expect((await direct.stat(['big'], GO_ON))[0]).toMatchObject({ bytes, etag })
  })
})

describe('an upload in parts', () => {
  it('is whole with a part that failed at first, and a local copy of it is compared with its checksum', async () => {
    const { store, direct } = stores()
    const body = randomBytes(2 * PART_BYTES + 12_345)
    proxy.rule = first(1, ({ method, url }) => method === 'PUT' && url.includes('partNumber=2'), {
      kind: 'answer',
      status: 503,
      code: 'SlowDown',
    })
    await store.put('big', body, GO_ON)
    expect(Buffer.from(await direct.get('big', GO_ON)).equals(body)).toBe(true)
    proxy.rule = first(1, isGet, { kind: 'corrupt' })
    const local = await store.fetchLocal('big', lakeFolder(), GO_ON)
    expect(readFileSync(local).equals(body)).toBe(true)
    expect(proxy.seen.filter(isGet)).toHaveLength(2)
  })

  it('is given up when it fails, and shows nothing', async () => {
    const { store, direct } = stores()
    const never = { kind: 'answer', status: 403, code: 'AccessDenied' } as const
    proxy.rule = ({ method, url }) => (method === 'PUT' && url.includes('partNumber=2') ? never : undefined)
    const failing = store.put('big', randomBytes(PART_BYTES + 10), GO_ON)
    await expect(failing).rejects.toMatchObject({ code: 'ETL3-AW-04' })
    expect(await direct.stat(['big'], GO_ON)).toEqual([undefined])
    for await (const write of direct.unfinished(GO_ON)) expect(write).toBeUndefined()
  })

  it('that nobody ended is found and taken away', async () => {
    const { store, direct } = stores()
    // As if the process had ended: giving up does not get through either.
    const dead = new S3ObjectStore(store.uri, settingsFor(proxy.endpoint, { attempts: 1 }))
    proxy.rule = ({ method, url }) =>
      method === 'DELETE' || url.includes('partNumber=2')
        ? { kind: 'answer', status: 503, code: 'SlowDown' }
        : undefined
    await expect(dead.put('big', randomBytes(PART_BYTES + 10), GO_ON)).rejects.toMatchObject({ code: 'ETL3-AW-07' })
    const found = []
    for await (const write of direct.unfinished(GO_ON)) found.push(write)
    expect(found).toHaveLength(1)
    for (const write of found) await direct.discard(write, GO_ON)
    for await (const write of direct.unfinished(GO_ON)) expect(write).toBeUndefined()
  })
})

describe('the conditions of a publication', () => {
  it('stand in the request, so that the store itself keeps them', async () => {
    const { store, direct } = stores()
    await direct.put('a', text('1'), GO_ON)
    await store.publish(store.locate('a'), 't', { expect: 'absent' }, GO_ON)
    await direct.put('a', text('2'), GO_ON)
    const [stands] = await direct.stat(['t'], GO_ON)
    await store.publish(store.locate('a'), 't', { expect: 'etag', etag: stands?.etag ?? '' }, GO_ON)
    const copies = proxy.seen.filter(isCopy).map(({ headers }) => headers)
    expect(copies[0]).toMatchObject({ 'if-none-match': '*' })
    expect(copies[1]).toMatchObject({ 'if-match': `"${stands?.etag}"` })
  })

  it('hold between the look and the copy', async () => {
    const { store, direct } = stores()
    await direct.put('late', text('late'), GO_ON)
    let struck = false
    proxy.rule = (request) => {
      if (isCopy(request) && !struck) {
        struck = true
        return { kind: 'latency', ms: 300 }
      }
      return undefined
    }
    const publication = store.publish(store.locate('late'), 't', { expect: 'absent' }, GO_ON)
    while (!struck) await new Promise((resolve) => setTimeout(resolve, 5))
    await direct.put('t', text('newer'), GO_ON)
    expect(await publication).toMatchObject({ outcome: 'mismatch', found: { bytes: 5 } })
    expect(Buffer.from(await direct.get('t', GO_ON)).toString()).toBe('newer')
  })
})

describe('a deletion of what was seen', () => {
  const isDeletion = ({ method, url }: SeenRequest): boolean => method === 'POST' && url.includes('?delete')

  it('leaves what was written between the look and the request, and says so', async () => {
    const { store, direct } = stores()
    const seen = [await direct.put('same', text('same'), GO_ON), await direct.put('t', text('older'), GO_ON)]
    let struck = false
    proxy.rule = (request) => {
      struck ||= isDeletion(request)
      return isDeletion(request) ? { kind: 'latency', ms: 300 } : undefined
    }
    const deletion = store.deleteUnchanged(seen, () => Promise.resolve(), GO_ON)
    while (!struck) await new Promise((resolve) => setTimeout(resolve, 5))
    await direct.put('t', text('newer'), GO_ON)
    expect(await deletion).toEqual(['t'])
    expect(Buffer.from(await direct.get('t', GO_ON)).toString()).toBe('newer')
    expect(await direct.find('same', GO_ON)).toBeUndefined()
  })

  it('asks again whether it may go on before each repetition, and takes what is gone for deleted', async () => {
    const { store, direct } = stores()
    const seen = [await direct.put('a', text('a'), GO_ON)]
    proxy.rule = first(2, isDeletion, { kind: 'loseReply' })
    let asked = 0
    const before = (): Promise<void> => {
      asked += 1
      return Promise.resolve()
    }
    expect(await store.deleteUnchanged(seen, before, GO_ON)).toEqual([])
    expect(asked).toBe(3)

    const [again] = [await direct.put('a', text('a'), GO_ON)]
    proxy.rule = first(1, isDeletion, { kind: 'answer', status: 503, code: 'SlowDown' })
    const lost = (): Promise<void> => (asked++ === 3 ? Promise.resolve() : Promise.reject(new Error('lost the lock')))
    await expect(store.deleteUnchanged([again], lost, GO_ON)).rejects.toThrow('lost the lock')
    expect(await direct.find('a', GO_ON)).toBeDefined()
  })
})

describe('a refusal', () => {
  const SECRET = CREDENTIAL_VARIABLES.AWS_SECRET_ACCESS_KEY
  it.each([
    ['an expired token', 400, 'ExpiredToken', {}, { code: 'ETL3-AW-02', exitCode: 5, final: false }],
    ['a wrong key', 403, 'InvalidAccessKeyId', {}, { code: 'ETL3-AW-03', exitCode: 2, final: true }],
    ['a missing right', 403, 'AccessDenied', {}, { code: 'ETL3-AW-04', exitCode: 2, final: true }],
    [
      'another region',
      301,
      'PermanentRedirect',
      { 'x-amz-bucket-region': 'eu-central-1' },
      { code: 'ETL3-AW-05', exitCode: 2, hint: expect.stringContaining('eu-central-1') },
    ],
    [
      'another region, told beside a bare 400',
      400,
      'BadRequest',
      { 'x-amz-bucket-region': 'eu-central-1' },
      { code: 'ETL3-AW-05', message: expect.stringContaining('(eu-central-1; S3 is asked in us-east-1)') },
    ],
    ['a missing bucket', 404, 'NoSuchBucket', {}, { code: 'ETL3-AW-06', exitCode: 2 }],
    ['a disabled key', 400, 'KMS.DisabledException', {}, { code: 'ETL3-AW-10', exitCode: 2 }],
    ['a busy key', 400, 'KMS.ThrottlingException', {}, { code: 'ETL3-AW-07', exitCode: 5, final: false }],
    ['a method that is not there', 501, 'NotImplemented', {}, { code: 'ETL3-AW-18', exitCode: 2 }],
    ['a method of another kind', 405, 'MethodNotAllowed', {}, { code: 'ETL3-AW-09', exitCode: 1 }],
    ['a busy store', 503, 'SlowDown', {}, { code: 'ETL3-AW-07', exitCode: 5, final: false }],
  ] as const)('for %s says what it is, of which object, and what to do', async (_, status, code, headers, expected) => {
    const { store } = stores({ attempts: 2 })
    proxy.rule = () => ({ kind: 'answer', status, code, headers })
    const failure: unknown = await store.put('x', text('x'), GO_ON).catch((error: unknown) => error)
    expect(failure).toMatchObject(expected)
    expect(failure).toMatchObject({ message: expect.stringContaining(store.locate('x')), hint: expect.any(String) })
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain(SECRET)
  })

  it.each([
    ['a name that nobody knows', 'http://no-such-host.invalid:9', { code: 'ETL3-AW-07', exitCode: 5, final: false }],
    ['a port where nobody listens', 'http://127.0.0.1:1', { code: 'ETL3-AW-07', exitCode: 5, final: false }],
  ])('for %s is one of ETL3, too', async (_, endpoint, expected) => {
    const store = new S3ObjectStore(`s3://${bucket}/nowhere`, settingsFor(endpoint, { attempts: 2 }))
    await expect(store.put('x', text('x'), GO_ON)).rejects.toMatchObject(expected)
  })

  it('of one key of many is an error, whatever the answer as a whole says', async () => {
    const { store, direct } = stores()
    await direct.put('a', text('a'), GO_ON)
    proxy.rewrite = (request, body) =>
      request.method === 'POST' && request.url.includes('?delete')
        ? '<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>'
        : body
    await expect(store.delete(['a', 'b'], GO_ON)).rejects.toMatchObject({ code: 'ETL3-AW-04' })
    proxy.rewrite = undefined
  })

  it('is not waited for once the run is cancelled', async () => {
    const { store } = stores({ attempts: 50 })
    proxy.rule = () => ({ kind: 'latency', ms: 60_000 })
    const stop = new AbortController()
    const waiting = store.put('x', text('x'), stop.signal)
    setTimeout(() => stop.abort(new Error('cancelled')), 50)
    await expect(waiting).rejects.toThrow('cancelled')
  })
})
