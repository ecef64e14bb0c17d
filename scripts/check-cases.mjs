/**
 * `npm run check:cases`: makes the cases of inputs as other tools write them, and holds what the built ETL3 makes of each
 * against what is due. Names of cases behind `--`: only those. Ends with one line `N passed, N failed`.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from './build.mjs'
import { ROOT } from './lib/project.mjs'
import { preparePython } from './lib/python.mjs'
import { exitCode, main, run, say } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'

const CASES = resolve(ROOT, process.env.ETL3_CASES ?? '../shared/cases')
const STAR = resolve(ROOT, process.env.ETL3_STAR ?? '../shared/data/star')

await main(async () => {
  const maker = join(CASES, 'make.py')
  if (!existsSync(maker) || !existsSync(STAR)) {
    say(
      `0 checks: the cases are not there (looked in ${CASES} and ${STAR}; ETL3_CASES and ETL3_STAR name other folders)`,
    )
    return 0
  }
  await build()
  const env = { ...process.env, ...(await preparePython()), TEMPORAL_CLI: await findTemporal() }
  const python = env.ETL3_PYTHON ?? 'python3'
  const folder = mkdtempSync(join(tmpdir(), 'etl3-cases-'))
  const names = process.argv.slice(2)
  try {
    await run(python, [maker, folder, STAR, ...names], { env })
    const cli = join(ROOT, 'dist', 'cli', 'main.js')
    const checker = join(ROOT, 'test', 'check-cases', 'check_cases.py')
    return await exitCode(python, [checker, folder, process.execPath, cli, ...names], { env, stdio: ['ignore', 1, 2] })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
