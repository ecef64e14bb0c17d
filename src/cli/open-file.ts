/** Opens a file as a double click would. */
import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { UnavailableError } from '../runtime/errors.js'

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
}

/** A program that opens something goes on by itself; one that can't says so within this time. */
const SETTLE_MS = 1_500

/**
 * Has the file opened: by the program in BROWSER, else by the system's own.
 * @throws UnavailableError ETL3-RP-03 when there is no such program, or it fails
 */
export async function openFile(path: string, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const browser = env['BROWSER']
  const [program, ...args] = browser ? [browser] : (OPENERS[process.platform] ?? ['xdg-open'])
  await new Promise<void>((resolve, reject) => {
    const refuse = (why: string, cause?: Error): void =>
      reject(
        new UnavailableError('ETL3-RP-03', `the report cannot be opened with ${program}: ${why}`, {
          hint: `Open the file itself: ${path}`,
          cause,
        }),
      )
    const child = spawn(program, [...args, pathToFileURL(path).href], { stdio: 'ignore', detached: true })
    child.once('error', (error) => refuse(error.message, error))
    child.once('exit', (code) => (code === 0 ? resolve() : refuse(`it ended with exit code ${code}`)))
    setTimeout(resolve, SETTLE_MS).unref()
    child.unref()
  })
}
