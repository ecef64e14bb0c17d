/** Requests to AWS through a proxy: all clients, both ways through it, and what is said where it refuses. */
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { AwsRoutes } from '../../../src/lake/aws-proxy.js'
import { AthenaQueries } from '../../../src/lake/glue/athena.js'
import { GlueTables } from '../../../src/lake/glue/tables.js'
import type { S3Settings } from '../../../src/lake/s3/settings.js'
import { S3ObjectStore } from '../../../src/lake/s3/store.js'
import { GO_ON } from './folder/lake-folder.js'
import { HttpProxy } from './http-proxy.js'

/** Of `*.lake.test`, signed by itself; valid until 2126. It protects nothing. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgE3sclBjtA55kpuhv
sFZELy+BbSE8rJbedvQA3iPZb2+hRANCAAQpuicOY4FgggtOGMT/GQdzD6IWOBPf
spbLspqiYzW5LxDJUR9qWJ2ajvmr1dDlvkDMqcDfynSpPRvM93bwU9ch
-----END PRIVATE KEY-----`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBojCCAUigAwIBAgIUK2CXk+XrotdeTuvL6ehyqtSPKKQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbGFrZS50ZXN0MCAXDTI2MTEyODIyMTUxN1oYDzIxMjYxMTA0
MjIxNTE3WjAUMRIwEAYDVQQDDAlsYWtlLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQpuicOY4FgggtOGMT/GQdzD6IWOBPfspbLspqiYzW5LxDJUR9qWJ2a
jvmr1dDlvkDMqcDfynSpPRvM93bwU9cho3YwdDAdBgNVHQ4EFgQUvctEujRZgcFW
Hn3odQXYw51wmlcwHwYDVR0jBBgwFoAUvctEujRZgcFWHn3odQXYw51wmlcwDwYD
VR0TAQH/BAUwAwEB/zAhBgNVHREEGjAYggsqLmxha2UudGVzdIIJbGFrZS50ZXN0
MAoGCCqGSM49BAMCA0gAMEUCIQCggv8iqCBU05AvB8RP9p9VpYGLAqZefDIkrgJE
xQsOggIgB54wKtB/rH9LC9sw8wXhNPpuEU3YNrXK+MZx2nTSwwc=
-----END CERTIFICATE-----`

const before = { ...process.env }
let http: Server
let https: Server
let proxy: HttpProxy
/** Names of hosts in the requests that reached a server. */
let reached: (string | undefined)[]

beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) delete process.env[name]
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIAETL3TESTONLY0000',
    AWS_SECRET_ACCESS_KEY: 'a-secret-of-tests-only',
    AWS_EC2_METADATA_DISABLED: 'true',
    // In this process, certificates of one's own can be believed no other way.
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  })
  reached = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    reached.push(request.headers.host)
    request.resume().on('end', () => {
      if (request.headers['x-amz-target'] !== undefined) response.end('{"QueryExecutionId":"q"}')
      else if (request.url?.includes('list-type')) response.end('<ListBucketResult></ListBucketResult>')
      else response.writeHead(200, { etag: '"e"', 'content-length': 0 }).end()
    })
  }
  http = createHttpServer(answer).listen(0, '127.0.0.1')
  https = createHttpsServer({ key: KEY, cert: CERTIFICATE }, answer).listen(0, '127.0.0.1')
  await Promise.all([once(http, 'listening'), once(https, 'listening')])
  proxy = await HttpProxy.start((host) => {
    if (!host.endsWith('.lake.test')) return undefined
    return portOf(host.startsWith('plain') ? http : https)
  })
})

afterEach(async () => {
  process.env = { ...before }
  await proxy.stop()
  http.close()
  https.close()
})

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function storeAt(endpoint: string, more: Partial<S3Settings> = {}): S3ObjectStore {
  return new S3ObjectStore('s3://bucket/lake', {
    endpoint,
    region: 'us-east-1',
    fallbackRegion: 'us-east-1',
    attempts: 2,
    requestsAtOnce: 2,
    connectTimeoutMs: 1_000,
    requestTimeoutMs: 5_000,
    ...more,
  })
}

/** One request on the short way, one by the SDK. */
async function use(store: S3ObjectStore): Promise<void> {
  await store.put('a', Buffer.from('x'), GO_ON)
  expect(await store.list('', GO_ON).next()).toMatchObject({ done: true })
}

describe('a proxy of the environment', () => {
  it('opens tunnels for TLS to S3, for single objects and for the SDK, and sees no path', async () => {
    process.env['HTTPS_PROXY'] = proxy.url
    await use(storeAt('https://s3.lake.test'))
    expect(reached).toEqual(['s3.lake.test', 's3.lake.test'])
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT s3.lake.test:443']))
  })

  it('keeps a tunnel for the next request, and serves those that wait for one', async () => {
    process.env['HTTPS_PROXY'] = proxy.url
    const store = storeAt('https://s3.lake.test')
    for (let i = 0; i < 5; i++) await store.put(`a${i}`, Buffer.from('x'), GO_ON)
    expect(proxy.asked).toHaveLength(1)
    await Promise.all(Array.from({ length: 12 }, (_, i) => store.stat([`b${i}`], GO_ON)))
    expect(proxy.asked).toHaveLength(2)
  })

  it('forwards plain HTTP', async () => {
    process.env['http_proxy'] = proxy.url
    await use(storeAt('http://plain.lake.test'))
    expect(reached).toEqual(['plain.lake.test', 'plain.lake.test'])
    expect(proxy.asked[0]).toBe('PUT http://plain.lake.test/bucket/lake/a')
    expect(proxy.asked[1]).toMatch(/^GET http:\/\/plain\.lake\.test\/bucket.*list-type=2/)
  })

  it('is used for Glue and Athena, with the name and password that its address holds', async () => {
    process.env['HTTPS_PROXY'] = proxy.url.replace('//', '//me:p%40ss@')
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_GLUE: 'https://glue.lake.test',
      AWS_ENDPOINT_URL_ATHENA: 'https://athena.lake.test',
    })
    await new GlueTables('db', 'us-east-1').find('t', GO_ON)
    const athena = { region: 'us-east-1', database: 'db', workgroup: 'w', outputLocation: undefined }
    expect(await new AthenaQueries(athena).start('SELECT 1', GO_ON)).toBe('q')
    expect(proxy.asked).toEqual(['CONNECT glue.lake.test:443', 'CONNECT athena.lake.test:443'])
    const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
    expect(proxy.authorizations).toEqual([basic, basic])
  })

  it.each(['127.0.0.1', 'localhost'])('is not asked for this machine itself: %s', async (host) => {
    process.env['HTTP_PROXY'] = proxy.url
    await use(storeAt(`http://${host}:${portOf(http)}`))
    expect(reached).toHaveLength(2)
    expect(proxy.asked).toEqual([])
  })

  it('is not asked for hosts of NO_PROXY', () => {
    process.env['HTTPS_PROXY'] = proxy.url
    process.env['NO_PROXY'] = '.amazonaws.com,minio.local:9000'
    const routes = new AwsRoutes({ maxSockets: 2, connectTimeoutMs: 1_000 })
    const to = (hostname: string, port?: number): unknown => routes.agentsTo({ protocol: 'https:', hostname, port })
    const direct = to('lake.s3.us-east-1.amazonaws.com')
    expect(to('minio.local', 9000)).toBe(direct)
    expect(to('minio.local', 9001)).not.toBe(direct)
    expect(to('s3.lake.test')).toBe(to('minio.local', 9001))
  })

  it('that is no HTTP proxy is refused, without its password', async () => {
    process.env['HTTPS_PROXY'] = 'socks5://me:secret@proxy.lake.test:1080'
    const error: unknown = await storeAt('https://s3.lake.test')
      .put('a', Buffer.from('x'), GO_ON)
      .catch((e: unknown) => e)
    expect(error).toMatchObject({
      code: 'ETL3-AW-17',
      exitCode: 2,
      message: 'the proxy socks5://proxy.lake.test:1080 is no HTTP proxy',
    })
  })
})

describe('a proxy of the configuration', () => {
  it('is used for S3 whatever the environment says', async () => {
    process.env['HTTPS_PROXY'] = 'http://127.0.0.1:9'
    process.env['NO_PROXY'] = '*'
    await use(storeAt('https://s3.lake.test', { proxy: proxy.url }))
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT s3.lake.test:443']))
  })

  it('may hold no password, which would be printed and recorded', () => {
    const parse = (address: string): unknown => configSchema.safeParse({ s3: { proxy: address } })
    expect(parse('http://proxy:3128')).toMatchObject({ success: true })
    expect(parse('http://me:secret@proxy:3128')).toMatchObject({ success: false })
    expect(parse('socks5://proxy:1080')).toMatchObject({ success: false })
  })
})

describe('a proxy that does not let requests through', () => {
  it.each([
    [403, 2, 'the proxy http://127.0.0.1:0 answers HTTP 403: cannot write "s3://bucket/lake/a"'],
    [407, 2, 'the proxy http://127.0.0.1:0 answers HTTP 407: cannot write "s3://bucket/lake/a"'],
    [503, 5, 'the proxy http://127.0.0.1:0 answers HTTP 503: cannot write "s3://bucket/lake/a"'],
  ])('is told, by its %i, and not as a refusal of S3', async (status, exitCode, message) => {
    process.env['HTTPS_PROXY'] = proxy.url.replace('//', '//me:secret@')
    proxy.refuseWith = status
    const error: unknown = await storeAt('https://s3.lake.test')
      .put('a', Buffer.from('x'), GO_ON)
      .catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'ETL3-AW-17', exitCode })
    expect(String(error).replace(/127\.0\.0\.1:\d+/, '127.0.0.1:0')).toContain(message)
    expect(String(error)).not.toContain('secret')
  })

  it('is told for plain HTTP and for Glue as well', async () => {
    Object.assign(process.env, {
      HTTP_PROXY: proxy.url,
      HTTPS_PROXY: proxy.url,
      AWS_ENDPOINT_URL_GLUE: 'https://glue.lake.test',
    })
    proxy.refuseWith = 407
    await expect(storeAt('http://plain.lake.test').put('a', Buffer.from('x'), GO_ON)).rejects.toMatchObject({
      code: 'ETL3-AW-17',
    })
    await expect(new GlueTables('db', 'us-east-1').find('t', GO_ON)).rejects.toMatchObject({
      code: 'ETL3-AW-17',
      message: expect.stringContaining('Glue: GetTable t in db'),
    })
  })

  it('because it is not there, or keeps silent, ends the requests, also those that wait for a connection', async () => {
    const silent = createTcpServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      for (const port of [portOf(silent), 9]) {
        const store = storeAt('https://s3.lake.test', {
          proxy: `http://127.0.0.1:${port}`,
          attempts: 1,
          connectTimeoutMs: 300,
        })
        const puts = Array.from({ length: 6 }, (_, i) => store.stat([`a${i}`], GO_ON))
        const ends = await Promise.allSettled(puts)
        for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ETL3-AW-07' } })
      }
    } finally {
      silent.close()
    }
  })
})
