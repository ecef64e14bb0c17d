/** S3 servers for tests, each on a free port of its own, with nothing in it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { S3Settings } from '../../../src/lake/s3/settings.js'
import { freePort } from '../../../src/runtime/temporal/dev-server.js'
import { until } from '../../e2e/support/until.js'
import { startMoto } from '../moto.js'

/** What the servers take, and what the default chain finds in the environment. */
export const CREDENTIALS = { accessKeyId: 'AKIAETL3TESTONLY0000', secretAccessKey: 'a-secret-of-tests-only' }

/** The same as environment variables. */
export const CREDENTIAL_VARIABLES = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_REGION: 'us-east-1',
  // No other way to credentials is tried.
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** A server that runs. */
export interface S3Server {
  readonly endpoint: string
  /** Folder that holds the buckets; undefined where they are in memory. */
  readonly folder: string | undefined
  /** Of a server that is a process of its own. */
  readonly pid?: number | undefined
  stop(): Promise<void>
}

/** versitygw over a folder. */
export async function startVersitygw(): Promise<S3Server> {
  const program = versitygw()
  const home = mkdtempSync(join(tmpdir(), 'etl3-s3-'))
  const [folder, sidecar] = [join(home, 'data'), join(home, 'sidecar')]
  for (const made of [folder, sidecar]) mkdirSync(made)
  const port = await freePort()
  const child = spawn(
    program,
    ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', 'posix', '--sidecar', sidecar, folder],
    {
      env: {
        ...process.env,
        ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
        ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
      },
      stdio: 'ignore',
    },
  )
  return await whenReady(child, { port, folder, clean: () => rmSync(home, { recursive: true, force: true }) })
}

/** moto's S3, in memory. */
export async function startMotoS3(): Promise<S3Server> {
  const { url, stop } = await startMoto()
  return { endpoint: url, folder: undefined, stop }
}

let buckets = 0

/** Makes a bucket with a name of its own. */
export async function makeBucket(endpoint: string): Promise<string> {
  const bucket = `lake-${process.pid}-${++buckets}`
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}

/** Settings of the adapter for a server. */
export function settingsFor(endpoint: string, settings: Partial<S3Settings> = {}): S3Settings {
  return {
    endpoint,
    fallbackRegion: 'us-east-1',
    attempts: 4,
    requestsAtOnce: 32,
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 30_000,
    ...settings,
  }
}

function versitygw(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const program = process.env['ETL3_VERSITYGW'] ?? join(cache, 'etl3', 'versitygw-v1.8.0', 'versitygw')
  if (!existsSync(program)) throw new Error(`no versitygw at ${program}: run node scripts/setup.mjs`)
  return program
}

async function whenReady(
  child: ChildProcess,
  { port, folder, clean }: { readonly port: number; readonly folder: string; readonly clean: () => void },
): Promise<S3Server> {
  const endpoint = `http://127.0.0.1:${port}`
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  await until(`an S3 server at ${endpoint}`, async () => {
    if (failure || child.exitCode !== null) return true
    return (await fetch(endpoint)).status > 0
  })
  if (failure || child.exitCode !== null) throw failure ?? new Error(`the S3 server ended with ${child.exitCode}`)
  return {
    endpoint,
    folder,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM')
      await ended
      clean()
    },
  }
}
