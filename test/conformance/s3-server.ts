/** versitygw as S3, and the way of a folder's files into a bucket. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from '../../src/runtime/dev-server.js'

/** What the server takes. */
export const ACCESS_KEY = 'conformance'
export const SECRET_KEY = 'conformance-secret'

const UPLOADS_AT_ONCE = 8

/** A server that runs. */
export interface S3Server {
  readonly endpoint: string
  /** Makes a bucket and puts every file below a folder there, under its path. */
  upload(bucket: string, folder: string): Promise<number>
  stop(): Promise<void>
}

/** Starts versitygw over a new folder. @param program path of the binary */
export async function startS3(program: string): Promise<S3Server> {
  const home = mkdtempSync(join(tmpdir(), 'etl3-s3-'))
  const [data, sidecar] = [join(home, 'data'), join(home, 'sidecar')]
  for (const folder of [data, sidecar]) mkdirSync(folder)
  const port = await freePort()
  const child = spawn(program, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--sidecar', sidecar, data], {
    env: { ...process.env, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
    stdio: 'ignore',
  })
  const endpoint = `http://127.0.0.1:${port}`
  for (let looks = 0; ; looks++) {
    const answers = await fetch(endpoint).then(
      () => true,
      () => false,
    )
    if (answers) break
    if (child.exitCode !== null || looks > 300) throw new Error('versitygw does not answer')
    await delay(100)
  }
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  return {
    endpoint,
    async upload(bucket, folder) {
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
      const waiting = [...files]
      const uploader = async (): Promise<void> => {
        for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
          const input = { Bucket: bucket, Key: relative(folder, path), Body: readFileSync(path) }
          await client.send(new PutObjectCommand(input))
        }
      }
      await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, uploader))
      return files.length
    },
    async stop() {
      client.destroy()
      const end = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await end
      rmSync(home, { recursive: true, force: true })
    },
  }
}
