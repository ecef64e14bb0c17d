/** The checkout: its folder, its dependencies, what it was built from. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, StepFailed, step } from './steps.mjs'

/** Folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const SMALLEST_NODE = [20, 19]

/** Ends the script where Node is too old to run anything. */
export async function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [needMajor, needMinor] = SMALLEST_NODE
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return
  await step('Looking at Node', () => {
    throw new StepFailed(`this is Node ${process.versions.node}; install Node ${needMajor}.${needMinor} or newer`)
  })
}

/** Installs the dependencies from the lock file when they are missing or older than it. */
export async function installDependencies() {
  const installed = modified(join(ROOT, 'node_modules', '.package-lock.json'))
  if (installed >= modified(join(ROOT, 'package-lock.json'))) return
  await step('Installing dependencies from package-lock.json (npm ci)', async () => {
    try {
      await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', ROOT])
    } catch (cause) {
      throw new StepFailed(`${cause.message}; npm needs a route to its registry, or a filled cache`, { cause })
    }
  })
}

/** Files below a folder, with full paths; none when there is no folder. */
export function filesIn(folder) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  } catch {
    return []
  }
}

/** When a file changed last, in milliseconds; −1 when there is none. */
export function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1
}
