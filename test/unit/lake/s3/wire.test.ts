/** Requests without the SDK's layers, as a server sees them. The real servers of test/aws check their signatures. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { elementOf } from '../../../../src/lake/s3/answer.js'
import { connectS3 } from '../../../../src/lake/s3/client.js'
import { endpointOf } from '../../../../src/lake/s3/endpoint.js'
import type { S3Settings } from '../../../../src/lake/s3/settings.js'
import { S3ObjectStore } from '../../../../src/lake/s3/store.js'
import { GO_ON } from '../folder/lake-folder.js'

const SECRET = 'a-secret-of-tests-only'
const TOKEN = 'a-token-of-tests-only'

interface Seen {
  readonly method: string
  /** As it came over the line. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

let server: Server
let seen: Seen[]
/** Answers the requests that come; by default each succeeds. */
let answer: (request: Seen, response: ServerResponse) => void
const before = { ...process.env }

beforeEach(async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIAETL3TESTONLY0000',
    AWS_SECRET_ACCESS_KEY: SECRET,
    AWS_SESSION_TOKEN: TOKEN,
    AWS_EC2_METADATA_DISABLED: 'true',
  })
  seen = []
  answer = (_, response) => response.writeHead(200, { etag: '"e"' }).end()
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers })
      answer({ method, url, headers }, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  process.env = { ...before }
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function settings(more: Partial<S3Settings> = {}): S3Settings {
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    fallbackRegion: 'us-east-1',
    attempts: 3,
    requestsAtOnce: 4,
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    ...more,
  }
}

function storeWith(more: Partial<S3Settings> = {}): S3ObjectStore {
  return new S3ObjectStore('s3://lake-bucket/a lake', settings(more))
}

describe('a PUT on the short way', () => {
  it('is signed with the session’s token, and says digest, key of encryption and condition', async () => {
    const body = Buffer.from('bytes')
    const sha256 = createHash('sha256').update(body)
    const base64 = sha256.copy().digest('base64')
    await storeWith({ kmsKeyId: 'alias/lake' }).putIfAbsent('r', body, GO_ON)
    expect(seen[0]?.headers).toMatchObject({
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIAETL3TESTONLY0000\/\d{8}\/eu-central-1\/s3\/aws4_request, SignedHeaders=\S*if-none-match\S*x-amz-security-token/,
      ),
      'content-length': '5',
      'if-none-match': '*',
      'x-amz-checksum-sha256': base64,
      'x-amz-content-sha256': sha256.digest('hex'),
      'x-amz-security-token': TOKEN,
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/lake',
      'x-amz-server-side-encryption-bucket-key-enabled': 'true',
    })
    expect(JSON.stringify(seen)).not.toContain(SECRET)
  })

  it('writes the key as S3 signs it, whatever is in it', async () => {
    await storeWith().put("state=TX/area=Coeur d'Alene (ID), ÄÖ*!+&%25/x", Buffer.from('x'), GO_ON)
    expect(seen[0]?.url).toBe(
      '/lake-bucket/a%20lake/state%3DTX/area%3DCoeur%20d%27Alene%20%28ID%29%2C%20%C3%84%C3%96%2A%21%2B%26%2525/x',
    )
  })

  it('goes by the server’s clock once the server has told it', async () => {
    const ahead = Date.now() + 3_600_000
    answer = ({ headers }, response) => {
      const sent = Date.parse(String(headers['x-amz-date']).replace(/(....)(..)(..T..)(..)(..)/, '$1-$2-$3:$4:$5'))
      if (Math.abs(sent - ahead) < 300_000) response.writeHead(200, { etag: '"e"' }).end()
      else
        response
          .writeHead(403, { date: new Date(ahead).toUTCString() })
          .end('<Error><Code>RequestTimeTooSkewed</Code><Message>late</Message></Error>')
    }
    const store = storeWith()
    await store.put('a', Buffer.from('x'), GO_ON)
    await store.put('b', Buffer.from('x'), GO_ON)
    expect(seen).toHaveLength(3)
  })

  it('is asked once more with the server’s time when the first request is a HEAD, to which no reason is told', async () => {
    const ahead = Date.now() - 3_600_000
    answer = ({ headers, url }, response) => {
      const sent = Date.parse(String(headers['x-amz-date']).replace(/(....)(..)(..T..)(..)(..)/, '$1-$2-$3:$4:$5'))
      const late = Math.abs(sent - ahead) >= 300_000
      response.writeHead(late || url.endsWith('forbidden') ? 403 : 200, {
        date: new Date(ahead).toUTCString(),
        etag: '"e"',
        'content-length': '1',
        'last-modified': new Date(ahead).toUTCString(),
      })
      response.end()
    }
    expect(await storeWith().stat(['a'], GO_ON)).toMatchObject([{ bytes: 1 }])
    expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'HEAD'])
    await expect(storeWith({ attempts: 1 }).stat(['forbidden'], GO_ON)).rejects.toMatchObject({ code: 'ETL3-AW-04' })
    expect(seen.filter(({ url }) => url.endsWith('forbidden'))).toHaveLength(2)
  })

  it('is tried again where no answer comes in time, and where the connection breaks', async () => {
    answer = ({ method }, response) => {
      if (method === 'HEAD') response.writeHead(404).end()
      else if (puts() === 2) response.destroy()
      else if (puts() > 2) response.writeHead(200, { etag: '"e"' }).end()
    }
    const puts = (): number => seen.filter(({ method }) => method === 'PUT').length
    await storeWith({ requestTimeoutMs: 200 }).put('a', Buffer.from('x'), GO_ON)
    expect(puts()).toBe(3)
  })
})

describe('bytes that come', () => {
  it('slowly, or not to their end, are asked for again', async () => {
    answer = (_, response) => {
      response.writeHead(200, { etag: '"e"', 'content-length': '6' })
      // The first answer stalls, the second one breaks off.
      if (seen.length === 1) response.write('abc')
      else if (seen.length === 2) response.write('abc', () => response.destroy())
      else response.end('abcdef')
    }
    const bytes = await storeWith({ requestTimeoutMs: 200 }).get('a', GO_ON)
    expect(Buffer.from(bytes).toString()).toBe('abcdef')
    expect(seen).toHaveLength(3)
  })
})

describe('a copy', () => {
  it('that fails below the head of a success has failed, and is made again', async () => {
    const copies = (): Seen[] => seen.filter(({ headers }) => headers['x-amz-copy-source'] !== undefined)
    answer = ({ method, url }, response) => {
      if (method === 'HEAD') response.writeHead(url.endsWith('/to') ? 404 : 200, { etag: '"from"' }).end()
      else if (method === 'POST') response.end('<DeleteResult/>')
      else if (copies().length === 1)
        response.end('<Error><Code>InternalError</Code><Message>half-way</Message></Error>')
      else response.end('<CopyObjectResult><ETag>&quot;copied&quot;</ETag></CopyObjectResult>')
    }
    const store = storeWith({ storageClass: 'STANDARD_IA' })
    const moved = await store.publish(store.locate('from'), 'to', { expect: 'absent' }, GO_ON)
    expect(moved).toMatchObject({ outcome: 'moved', etag: 'copied' })
    expect(copies()).toHaveLength(2)
    expect(copies()[1]?.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-storage-class': 'STANDARD_IA',
    })
  })
})

describe('what the configuration says of payment, owners, ACL and tags', () => {
  const said: Partial<S3Settings> = {
    requesterPays: true,
    bucketOwners: { 'lake-bucket': '123456789012', raw: '210987654321' },
    acl: 'bucket-owner-full-control',
    tags: { team: 'rates & codes', 'cost center': '7' },
  }
  const ACCESS = { 'x-amz-request-payer': 'requester', 'x-amz-expected-bucket-owner': '123456789012' }
  const STORING = {
    'x-amz-acl': 'bucket-owner-full-control',
    'x-amz-tagging': 'team=rates%20%26%20codes&cost%20center=7',
  }

  it('is said with every request, on the short way and by the SDK, and what is stored is given the rest', async () => {
    answer = ({ method, url, headers }, response) => {
      response.setHeader('etag', '"e"')
      if (headers['x-amz-copy-source'] !== undefined)
        response.end('<CopyObjectResult><ETag>"c"</ETag></CopyObjectResult>')
      else if (method === 'HEAD') response.writeHead(url.endsWith('/to') ? 404 : 200).end()
      else if (url.includes('uploads')) response.end('<R><UploadId>u</UploadId></R>')
      else if (url.includes('list-type')) response.end('<ListBucketResult></ListBucketResult>')
      else if (method === 'POST') response.end('<R><ETag>"e"</ETag></R>')
      else response.end()
    }
    const store = storeWith(said)
    await store.put('small', Buffer.from('x'), GO_ON)
    await store.put('large', Buffer.alloc(9 * 1024 * 1024), GO_ON)
    await store.publish('s3://raw/from', 'to', { expect: 'absent' }, GO_ON)
    await store.get('small', GO_ON)
    for await (const _ of store.list('', GO_ON)) expect(_).toBeUndefined()
    await store.delete(['small'], GO_ON)
    const asked = seen.map(({ method, url }) => `${method} ${url.replace(/^.*?([?].*)?$/, '$1')}`)
    expect(new Set(asked.map((text) => text.split(' ')[0]))).toEqual(new Set(['PUT', 'POST', 'HEAD', 'GET']))
    for (const { url, headers } of seen) expect([url, headers]).toEqual([url, expect.objectContaining(ACCESS)])
    const storing = seen.filter(({ headers }) => headers['x-amz-acl'] !== undefined)
    for (const { headers } of storing) expect(headers).toMatchObject(STORING)
    // The one in one request, the beginning of the upload, the copy; no part, and nothing that reads.
    expect(
      storing.map(({ method, url, headers }) => [method, /uploads/.test(url), 'x-amz-copy-source' in headers]),
    ).toEqual([
      ['PUT', false, false],
      ['POST', true, false],
      ['PUT', false, true],
    ])
    expect(storing[2]?.headers).toMatchObject({
      'x-amz-tagging-directive': 'REPLACE',
      'x-amz-source-expected-bucket-owner': '210987654321',
    })
  })

  it('is not said where nothing is configured', async () => {
    await storeWith().put('small', Buffer.from('x'), GO_ON)
    const names = Object.keys(seen[0]?.headers ?? {})
    expect(names.filter((name) => /payer|owner|acl|tagging|expect/.test(name))).toEqual([])
  })
})

describe('a refusal', () => {
  it('of a bucket that not all of S3 knows yet passes', async () => {
    answer = (_, response) => {
      if (seen.length < 3) response.writeHead(307).end('<Error><Code>TemporaryRedirect</Code></Error>')
      else response.writeHead(200, { etag: '"e"' }).end()
    }
    await storeWith().put('a', Buffer.from('x'), GO_ON)
    expect(seen).toHaveLength(3)
  })

  it.each([
    ['on the short way', (store: S3ObjectStore) => store.put('a', Buffer.from('x'), GO_ON)],
    ['by the SDK', (store: S3ObjectStore) => store.list('', GO_ON).next()],
  ])('has the id by which AWS finds the request, %s, and nothing that moves a cursor', async (_, act) => {
    answer = (__, response) => {
      response.writeHead(403, { 'x-amz-request-id': 'V7E0XHB1S2' }).end('<Error><Code>AccessDenied</Code></Error>')
    }
    await expect(act(storeWith())).rejects.toThrow(/ \[request V7E0XHB1S2\]$/)
    answer = (__, response) => {
      response.writeHead(403, { 'x-amz-request-id': 'no id; \x9b2J' }).end('<Error><Code>AccessDenied</Code></Error>')
    }
    await expect(act(storeWith())).rejects.toThrow(/^(?!.*\[request)/)
  })
})

describe('the address of a bucket', () => {
  const options = async (more: Partial<S3Settings>): Promise<Parameters<typeof endpointOf>[0]> =>
    await connectS3({ ...settings(), ...more }).open()

  it('is the one that the SDK would ask', async () => {
    const { endpoint: _, ...aws } = settings()
    const opened = await connectS3(aws).open()
    expect(await endpointOf(opened, 'lake-bucket')).toMatchObject({
      protocol: 'https:',
      hostname: 'lake-bucket.s3.eu-central-1.amazonaws.com',
      path: '',
      signingRegion: 'eu-central-1',
    })
    expect(await endpointOf(opened, 'lake.bucket')).toMatchObject({
      hostname: 's3.eu-central-1.amazonaws.com',
      path: '/lake.bucket',
    })
    expect(await endpointOf(await options({ pathStyle: true }), 'lake-bucket')).toMatchObject({
      protocol: 'http:',
      hostname: '127.0.0.1',
      path: '/lake-bucket',
    })
  })

  it('is refused for a directory bucket, before anything is sent', async () => {
    const { endpoint: _, ...aws } = settings()
    const opened = await connectS3(aws).open()
    await expect(endpointOf(opened, 'lake--euc1-az1--x-s3')).rejects.toMatchObject({ code: 'ETL3-AW-15', exitCode: 2 })
  })
})

describe('the text of an element', () => {
  it('has its entities read, and no others made up', () => {
    expect(elementOf('<A><ETag>&quot;a&#34;&#x22;&amp;lt;&odd;</ETag></A>', 'ETag')).toBe('"a""&lt;&odd;')
    expect(elementOf('<A/>', 'ETag')).toBeUndefined()
  })
})
