/** Chromium for the test that looks at reports: ETL3_CHROMIUM, else the one that is installed, else Debian's. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run, say, step } from './steps.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Finds Chromium, or installs it where this is root on Debian. @returns variables for the tests; none where it can't be had */
export async function prepareChromium() {
  const found = process.env.ETL3_CHROMIUM ?? findChromium()
  if (found) return { ETL3_CHROMIUM: found }
  if (process.getuid?.() === 0 && findOnPath('apt-get')) {
    try {
      await step('Installing Chromium (apt-get)', async () => {
        const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
        await run('apt-get', ['update', '-qq'], { env })
        await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env })
      })
    } catch {
      // The step has said why.
    }
    const installed = findChromium()
    if (installed) return { ETL3_CHROMIUM: installed }
  }
  say('  No Chromium: the test that looks at a report in a browser will fail.')
  say('  Install it (Debian: apt-get install chromium), or name a Chromium or Chrome in ETL3_CHROMIUM.')
  return {}
}

function findChromium() {
  return NAMES.map(findOnPath).find((path) => path !== undefined)
}

function findOnPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
