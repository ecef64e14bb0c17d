/** versitygw, an S3 server over a folder, for tests over the wire: built once by Go, then taken from the user's cache. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run, say, step } from './steps.mjs'

const VERSION = 'v1.8.0'
const FOLDER = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'etl3', `versitygw-${VERSION}`)

/** Finds or builds the server. @returns variables for the tests; none where it can't be had */
export async function prepareVersitygw() {
  const given = process.env.ETL3_VERSITYGW
  if (given) return { ETL3_VERSITYGW: given }
  const path = join(FOLDER, 'versitygw')
  if (existsSync(path)) return { ETL3_VERSITYGW: path }
  try {
    await step('Building versitygw with Go, once', async () => {
      const unfinished = `${FOLDER}.${process.pid}`
      mkdirSync(unfinished, { recursive: true })
      try {
        await run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
          env: { ...process.env, GOBIN: unfinished },
        })
        rmSync(FOLDER, { recursive: true, force: true })
        renameSync(unfinished, FOLDER)
      } finally {
        rmSync(unfinished, { recursive: true, force: true })
      }
    })
    return { ETL3_VERSITYGW: path }
  } catch {
    // The step has said why.
    say('  No versitygw: tests of S3 that need it will fail. Install Go 1.25 or newer, or name one in ETL3_VERSITYGW.')
    return {}
  }
}
