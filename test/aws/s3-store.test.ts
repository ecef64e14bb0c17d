import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
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

const servers: { versitygw?: S3Server; moto?: S3Server; proxy?: FaultProxy } = {}

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  servers.versitygw = await startVersitygw()
  servers.moto = await startMotoS3()
  servers.proxy = await FaultProxy.start(servers.versitygw.endpoint, { keepConditions: true })
})

afterAll(async () => {
  await servers.proxy?.stop()
  await servers.versitygw?.stop()
  await servers.moto?.stop()
})

/** Opens one new prefix of a bucket of its own, as often as it is asked. */
async function prefixOn(server: { readonly endpoint: string } | undefined): Promise<{ open: () => S3ObjectStore }> {
  if (!server) throw new Error('the server did not start')
  const uri = `s3://${await makeBucket(server.endpoint)}/a prefix/${randomUUID()}`
  return { open: () => new S3ObjectStore(uri, settingsFor(server.endpoint)) }
}

objectStoreSuite('versitygw, the conditions of copies kept as AWS keeps them,', () => prefixOn(servers.proxy))

// Of its own it keeps the conditions of a PUT only.
objectStoreSuite('versitygw', () => prefixOn(servers.versitygw), { ignoresConditions: true })

objectStoreSuite('moto', () => prefixOn(servers.moto), { ignoresConditions: true })
