/** The Temporal CLI for scripts: found or fetched by the built ETL3 itself. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './project.mjs'
import { StepFailed, say, step } from './steps.mjs'

/** Finds or fetches the CLI. @returns its path */
export async function findTemporal() {
  const { findTemporalCli } = await import(
    pathToFileURL(join(ROOT, 'dist', 'runtime', 'temporal', 'temporal-cli.js')).href
  )
  let path = ''
  await step('Looking for the Temporal CLI', async () => {
    try {
      const cli = await findTemporalCli({ onStep: (line) => say(`  ${line}`) })
      path = cli.path
      return `${cli.version}, from ${cli.source}`
    } catch (error) {
      throw new StepFailed([error.message, error.hint].filter(Boolean).join('\n  '), { cause: error })
    }
  })
  return path
}
