/**
 * `npm test`: sets up what tests need and runs all of them. Arguments go on to vitest: `npm test -- test/unit`.
 * Ends with one line `N passed, N failed`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { prepareChromium } from './lib/chromium.mjs'
import { checkNode, installDependencies, ROOT } from './lib/project.mjs'
import { preparePython } from './lib/python.mjs'
import { exitCode, main, say } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'
import { prepareVersitygw } from './lib/versitygw.mjs'

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
    counts = await runVitest({ ...process.env, ...python, ...chromium, ...versitygw, TEMPORAL_CLI: temporal })
  } finally {
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
  }
  if (counts.passed === 0) say('no test ran')
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0
})

async function runVitest(env) {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-test-'))
  const report = join(folder, 'report.json')
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  try {
    const code = await exitCode(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env,
    })
    return countsOf(report, code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What ran, from vitest's report. A file that can't be loaded, and an error outside a test, count as one failure each. */
function countsOf(report, code) {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
    const broken = testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    ).length
    const failed = numFailedTests + broken
    return { passed: numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed }
  } catch {
    return { passed: 0, failed: 1 }
  }
}
