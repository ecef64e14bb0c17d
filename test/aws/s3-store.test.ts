import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { S3Settings } from '../../src/lake/s3/settings.js'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { HttpProxy } from '../unit/lake/http-proxy.js'
import { objectStoreSuite } from '../unit/lake/object-store.suite.js'
import { FaultProxy } from './support/fault-proxy.js'
import {
  CREDENTIAL_VARIABLES,
  makeBucket,
  type S3Server,
  settingsFor,
  startMotoS3,
  startVersitygw,
} from './support/servers.js'

const servers: { versitygw?: S3Server; moto?: S3Server; proxy?: FaultProxy; forward?: HttpProxy } = {}

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  servers.versitygw = await startVersitygw()
  const port = Number(new URL(servers.versitygw.endpoint).port)
  servers.forward = await HttpProxy.start((host) => (host === 's3.lake.test' ? port : undefined))
  servers.moto = await startMotoS3()
  servers.proxy = await FaultProxy.start(servers.versitygw.endpoint, { keepConditions: true })
})

afterAll(async () => {
  await servers.proxy?.stop()
  await servers.forward?.stop()
  await servers.versitygw?.stop()
  await servers.moto?.stop()
})

/** Opens one new prefix of a bucket of its own, as often as it is asked. */
async function prefixOn(
  server: { readonly endpoint: string } | undefined,
  reached: Partial<S3Settings> = {},
): Promise<{ open: () => S3ObjectStore }> {
  if (!server) throw new Error('the server did not start')
  const uri = `s3://${await makeBucket(server.endpoint)}/a prefix/${randomUUID()}`
  return { open: () => new S3ObjectStore(uri, settingsFor(server.endpoint, reached)) }
}

objectStoreSuite('versitygw, the conditions of copies kept as AWS keeps them,', () => prefixOn(servers.proxy))

// Of its own it keeps the conditions of a PUT only.
objectStoreSuite('versitygw', () => prefixOn(servers.versitygw), { ignoresConditions: true })

// A name that only the proxy knows.
objectStoreSuite(
  'versitygw behind a proxy',
  () => prefixOn(servers.versitygw, { endpoint: 'http://s3.lake.test', proxy: servers.forward?.url ?? '' }),
  { ignoresConditions: true },
)

objectStoreSuite('moto', () => prefixOn(servers.moto), { ignoresConditions: true })
