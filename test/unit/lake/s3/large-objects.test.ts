/** Large objects on their way: refusals of bodies, and bytes that come in parts. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { S3ObjectStore } from '../../../../src/lake/s3/store.js'
import { GO_ON, lakeFolder } from '../folder/lake-folder.js'

const MIB = 1024 * 1024
const REFUSAL = '<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>REQ0123456789</RequestId></Error>'

let server: Server
const before = { ...process.env }

beforeEach(async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIAETL3TESTONLY0000',
    AWS_SECRET_ACCESS_KEY: 'a-secret-of-tests-only',
    AWS_EC2_METADATA_DISABLED: 'true',
  })
  server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  process.env = { ...before }
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function store(): S3ObjectStore {
  return new S3ObjectStore('s3://lake-bucket/lake', {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    fallbackRegion: 'us-east-1',
    attempts: 3,
    requestsAtOnce: 4,
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 20_000,
  })
}

describe('a large body', () => {
  it.each([
    ['in one request', 4 * MIB, 'write'],
    ['in parts', 9 * MIB, 'write part 1 of'],
  ])(
    'that is refused before it is sent %s is told as the refusal, once, with the id of the request',
    async (_, bytes, doing) => {
      let refused = 0
      let came = 0
      server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        request.resume()
        response.end('<InitiateMultipartUploadResult><UploadId>u/1+&amp;</UploadId></InitiateMultipartUploadResult>')
      })
      server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
        refused += 1
        request.on('data', (piece: Buffer) => {
          came += piece.byteLength
        })
        if (bytes > 8 * MIB) expect(request.url).toBe('/lake-bucket/lake/a?partNumber=1&uploadId=u%2F1%2B%26')
        response.writeHead(403).end(REFUSAL, () => request.socket.destroy())
      })
      await expect(store().put('a', randomBytes(bytes), GO_ON)).rejects.toMatchObject({
        code: 'ETL3-AW-04',
        message: `not allowed to ${doing} "s3://lake-bucket/lake/a" [request REQ0123456789]`,
      })
      expect([refused, came]).toEqual([1, 0])
    },
  )

  it('is sent all the same to a server that does not say whether it wants it', async () => {
    const body = randomBytes(2 * MIB)
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      request.toArray().then((pieces) => {
        const found = createHash('sha256').update(Buffer.concat(pieces)).digest('hex')
        response.writeHead(found === request.headers['x-amz-content-sha256'] ? 200 : 400, { etag: '"e"' }).end()
      }, response.destroy)
    })
    const { sha256 } = await store().put('a', body, GO_ON)
    expect(sha256).toBe(createHash('sha256').update(body).digest('hex'))
  })
})

describe('a large object', () => {
  const body = randomBytes(40 * MIB)
  const sha256 = createHash('sha256').update(body).digest('base64')

  /** Serves ranges of the body; `spoil` may change what is sent to a request, which is counted from 1. */
  function serve(spoil: (piece: Buffer, request: number) => Buffer): string[] {
    const ranges: string[] = []
    server.on('request', ({ method, headers }: IncomingMessage, response: ServerResponse) => {
      if (method === 'HEAD') {
        response.writeHead(200, { etag: '"e"', 'content-length': body.length, 'x-amz-checksum-sha256': sha256 }).end()
        return
      }
      const [, from = 0, to = 0] = (/^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []).map(Number)
      ranges.push(headers.range ?? 'none')
      expect(headers['if-match']).toBe('"e"')
      const whole = body.subarray(from, to + 1)
      const sent = spoil(whole, ranges.length)
      const told = { 'content-range': `bytes ${from}-${to}/${body.length}`, 'content-length': whole.length }
      response
        .writeHead(206, told)
        .write(sent, () => (sent.length < whole.length ? response.destroy() : response.end()))
    })
    return ranges
  }

  it('is read in parts, and each goes on where the connection broke', async () => {
    const ranges = serve((piece, request) => (request % 2 === 1 ? piece.subarray(0, 5 * MIB) : piece))
    const path = await store().fetchLocal('a', lakeFolder(), GO_ON)
    expect(readFileSync(path).equals(body)).toBe(true)
    const starts = ranges.map((range) => Number(/\d+/.exec(range)?.[0]))
    // What had come when the connection broke is not asked for again.
    expect(ranges).toEqual([
      `bytes=0-${32 * MIB - 1}`,
      expect.stringMatching(new RegExp(`-${32 * MIB - 1}$`)),
      `bytes=${32 * MIB}-${40 * MIB - 1}`,
      expect.stringMatching(new RegExp(`-${40 * MIB - 1}$`)),
    ])
    expect(starts[1]).toBeGreaterThan(0)
    expect(starts[3]).toBeGreaterThan(32 * MIB)
  })

  it('whose bytes are not those of its checksum is read again from the beginning', async () => {
    const ranges = serve((piece, request) => {
      if (request > 1) return piece
      const damaged = Buffer.from(piece)
      damaged.writeUInt8(damaged.readUInt8(1000) ^ 1, 1000)
      return damaged
    })
    const path = await store().fetchLocal('a', lakeFolder(), GO_ON)
    expect(readFileSync(path).equals(body)).toBe(true)
    expect(ranges).toHaveLength(4)
  })

  it('of a server that sends something else than the part is refused as damaged', async () => {
    server.on('request', ({ method }: IncomingMessage, response: ServerResponse) => {
      response.writeHead(200, { etag: '"e"', 'content-length': body.length })
      response.end(method === 'HEAD' ? '' : body)
    })
    await expect(store().fetchLocal('a', lakeFolder(), GO_ON)).rejects.toMatchObject({ code: 'ETL3-AW-08' })
  })
})
