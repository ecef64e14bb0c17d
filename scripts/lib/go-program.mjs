/** Programs for tests that Go builds from a module: once, then taken from the user's cache. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { run, say, step } from './steps.mjs'

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'etl3')

/**
 * Finds or builds a program.
 *
 * @param program.name what it is called here
 * @param program.source path of its main package
 * @param program.version with the `v`
 * @param program.variable names one that is there already, and tells tests where it is
 * @returns variables for the tests; none where it can't be had
 */
export async function prepareGoProgram({ name, source, version, variable }) {
  const given = process.env[variable]
  if (given) return { [variable]: given }
  const folder = join(CACHE, `${name}-${version}`)
  const path = join(folder, name)
  if (existsSync(path)) return { [variable]: path }
  try {
    await step(`Building ${name} with Go, once`, async () => {
      const unfinished = `${folder}.${process.pid}`
      mkdirSync(unfinished, { recursive: true })
      try {
        await run('go', ['install', `${source}@${version}`], { env: { ...process.env, GOBIN: unfinished } })
        const built = join(unfinished, basename(source))
        if (built !== join(unfinished, name)) renameSync(built, join(unfinished, name))
        // Last, and by a rename: where it is, it is whole.
        rmSync(folder, { recursive: true, force: true })
        renameSync(unfinished, folder)
      } finally {
        rmSync(unfinished, { recursive: true, force: true })
      }
    })
    return { [variable]: path }
  } catch {
    // The step has said why.
    say(`  No ${name}: tests that need it will fail. Install Go 1.25 or newer, or name one in ${variable}.`)
    return {}
  }
}
