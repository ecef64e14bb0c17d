/** Runs vitest and counts. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCode } from './steps.mjs'

/** Runs vitest with these arguments. @returns how many tests passed and failed */
export async function runVitest(args, env) {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-test-'))
  const report = join(folder, 'report.json')
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  try {
    const code = await exitCode(process.execPath, [vitest, 'run', ...reporters, ...args], {
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
