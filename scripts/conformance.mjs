/**
 * `npm run conformance`: reads ETL3's tables with Trino, the engine of Athena v3, and compares every answer with the
 * embedded catalog's. Needs Maven, Go and Python the first time. Ends with one line `N passed, N failed`.
 * `-- --star <folder>`: only the analytics table of the real star, whose files lie in that folder.
 */
import { register } from 'node:module'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { ROOT } from './lib/project.mjs'
import { preparePython } from './lib/python.mjs'
import { main, say } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'
import { prepareTrino } from './lib/trino.mjs'
import { prepareVersitygw } from './lib/versitygw.mjs'

await main(async () => {
  let counts = { passed: 0, failed: 1 }
  try {
    const { values } = parseArgs({ options: { star: { type: 'string' } } })
    const star = values.star === undefined ? {} : { star: resolve(values.star) }
    process.chdir(ROOT)
    await build()
    const temporalCli = await findTemporal()
    Object.assign(process.env, await preparePython())
    Object.assign(process.env, await prepareVersitygw())
    const { java, home } = await prepareTrino(process.env.ETL3_PYTHON ?? 'python3')
    register('./typescript-hooks.mjs', import.meta.url)
    const { conformance } = await import('../test/conformance/conformance.ts')
    const cli = join(ROOT, 'dist', 'cli', 'main.js')
    counts = await conformance({ java, trinoHome: home, cli, temporalCli, say, ...star })
    return counts.failed === 0 && counts.passed > 0 ? 0 : 1
  } finally {
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
  }
})
