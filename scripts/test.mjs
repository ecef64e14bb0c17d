/**
 * `npm test`: sets up what tests need and runs all of them. Arguments go on to vitest: `npm test -- test/unit`.
 * Ends with one line `N passed, N failed`.
 */
import { build } from './build.mjs'
import { prepareChromium } from './lib/chromium.mjs'
import { checkNode, installDependencies, ROOT } from './lib/project.mjs'
import { preparePython } from './lib/python.mjs'
import { main, say } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'
import { prepareToxiproxy } from './lib/toxiproxy.mjs'
import { prepareVersitygw } from './lib/versitygw.mjs'
import { runVitest } from './lib/vitest.mjs'

await main(async () => {
  process.chdir(ROOT)
  let counts = { passed: 0, failed: 1 }
  try {
    await checkNode()
    await installDependencies()
    await build()
    const temporal = await findTemporal()
    const python = await preparePython()
    const chromium = await prepareChromium()
    const versitygw = await prepareVersitygw()
    const toxiproxy = await prepareToxiproxy()
    const env = { ...process.env, ...python, ...chromium, ...versitygw, ...toxiproxy, TEMPORAL_CLI: temporal }
    counts = await runVitest(process.argv.slice(2), env)
  } finally {
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
  }
  if (counts.passed === 0) say('no test ran')
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0
})
