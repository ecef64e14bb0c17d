/**
 * `npm run check:star`: runs the built ETL3 over the real star and prints each figure beside what is due.
 * Ends with one line `N passed, N failed`. `--keep` leaves the outputs where they are; `--s3` checks only the runs on S3,
 * beside the one in a folder that they are compared with; `--short` takes fewer settings of memory and chunk, and the
 * smaller table to S3, and kills nothing: the tests do.
 */
import { existsSync } from 'node:fs'
import { register } from 'node:module'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from './lib/project.mjs'
import { preparePython } from './lib/python.mjs'
import { main, StepFailed, say } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'
import { prepareVersitygw } from './lib/versitygw.mjs'

const STAR = resolve(ROOT, process.env.ETL3_STAR ?? '../shared/data/star')
const CLI = join(ROOT, 'dist', 'cli', 'main.js')

await main(async () => {
  let counts = { passed: 0, failed: 1 }
  try {
    const flag = { type: 'boolean', default: false }
    const { values } = parseArgs({ options: { keep: flag, s3: flag, short: flag } })
    if (!existsSync(join(STAR, 'fact_rate.parquet'))) {
      say(`0 checks: the data is not there (looked in ${STAR}; ETL3_STAR names another folder)`)
      counts = { passed: 0, failed: 0 }
      return 0
    }
    if (!existsSync(CLI)) throw new StepFailed(`${CLI} is not there; run 'npm run build' first`)
    // S3 and Glue on this machine: versitygw, and moto in the Python of the tests.
    Object.assign(process.env, await prepareVersitygw(), await preparePython())
    register('./typescript-hooks.mjs', import.meta.url)
    const { checkStar } = await import('../test/check-star/check-star.ts')
    const temporalCli = await findTemporal()
    const { keep, s3, short } = values
    counts = await checkStar({ star: STAR, cli: CLI, temporalCli, keep, onlyS3: s3, short, say })
    return counts.failed === 0 && counts.passed > 0 ? 0 : 1
  } finally {
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
  }
})
