import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../../../src/runtime/package-root.js'
import { VERSION } from '../../../src/runtime/version.js'
import {
  describeWorker,
  identityOfWorker,
  isOfThisBuild,
  isOfThisVersion,
  readWorkerIdentity,
} from '../../../src/runtime/worker-identity.js'

const OTHER = (version: string, installation: string, host = hostname()): string =>
  `7@${host} etl3 ${version} from ${JSON.stringify(installation)} in "/srv"`

describe("a worker's identity", () => {
  it('says host, process, version, installation and folder', () => {
    const worker = readWorkerIdentity(identityOfWorker(4711))
    expect(worker).toEqual({
      pid: 4711,
      host: hostname(),
      build: { version: VERSION, installation: PACKAGE_ROOT, folder: process.cwd() },
    })
  })

  it('is that of the same build only with the same version, installation and machine', () => {
    const same = (identity: string): boolean => {
      const worker = readWorkerIdentity(identity)
      return worker !== undefined && isOfThisBuild(worker)
    }
    expect(same(identityOfWorker(1))).toBe(true)
    expect(same(OTHER('99.0.0', PACKAGE_ROOT))).toBe(false)
    expect(same(OTHER(VERSION, '/another/checkout'))).toBe(false)
    expect(same(OTHER(VERSION, PACKAGE_ROOT, 'another-host'))).toBe(false)
    expect(same(`7@${hostname()}`)).toBe(false)
  })

  it('tells a version apart wherever it is installed', () => {
    const elsewhere = readWorkerIdentity(OTHER(VERSION, '/another/checkout', 'another-host'))
    const older = readWorkerIdentity(OTHER('0.0.1', PACKAGE_ROOT))
    expect([elsewhere, older].map((worker) => worker && isOfThisVersion(worker))).toEqual([true, false])
  })

  it.each(['/a b/"c"\\d', '/with \u001b[31m red', '/ümläut/☃'])(
    'keeps the folder %j, and shows it safely',
    (folder) => {
      const identity = OTHER(VERSION, folder)
      expect(readWorkerIdentity(identity)?.build?.installation).toBe(folder)
      expect(describeWorker(identity)).not.toContain('\u001b')
    },
  )

  it("reads the SDK's default as process and host, and takes no other text for a worker", () => {
    expect(readWorkerIdentity('12@box')).toEqual({ pid: 12, host: 'box', build: undefined })
    expect(readWorkerIdentity('worker-a')).toBeUndefined()
    expect(describeWorker('worker\u001b-a')).toBe('worker\\u001b-a')
  })
})
