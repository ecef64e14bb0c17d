/** `etl3 report`: what a run left to read. */
import type { Command } from 'commander'
import { UsageError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { EXIT_DONE } from './exit-codes.js'
import type { CliShell } from './shell.js'

const STORE_TIMEOUT_MS = 60_000

/** Adds `etl3 report`. */
export function registerReport(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'report',
    summary: 'show the report of the last published run, or of another one',
    description:
      'Prints the report in short (Markdown) and, on stderr, where the page lies. With -o json it prints all of its data.',
    examples: [
      { call: 'etl3 report --open', purpose: 'the page, in the browser' },
      { call: 'etl3 report --run 839b833d09f85e81', purpose: 'the report of another run' },
      { call: 'etl3 report --compare 839b833d09f85e81 cbb5152dc029e75c', purpose: 'what two runs differ in' },
    ],
  })
  shell
    .configOptions(command, [])
    .option('--run <id>', 'the run; default: the one that the table shows')
    .option('--compare <ids...>', 'differences of two runs: rows, rates, rules, times')
    .option('--open', 'open the page in the browser')
  shell.action(command, async (call) => {
    const { config } = await call.loadConfig()
    const signal = AbortSignal.timeout(STORE_TIMEOUT_MS)
    const { run, compare, open } = call.options
    const { findReport } = shell.services
    if (compare !== undefined) {
      const [a, b, ...more] = Array.isArray(compare) ? compare.map(String) : []
      if (a === undefined || b === undefined || more.length > 0 || run !== undefined || open !== undefined) {
        throw new UsageError('ETL3-CL-01', '--compare takes two run ids, and neither --run nor --open', {
          hint: 'etl3 report --compare <id before> <id after>',
        })
      }
      const [{ compareReports }, { comparisonText }] = await Promise.all([
        import('../report/compare.js'),
        import('./output/comparison-text.js'),
      ])
      const before = await findReport(config, a, signal)
      const after = await findReport(config, b, signal)
      const rates = await shell.services.compareRates({ config, before: a, after: b, signal })
      const comparison = compareReports(before.report, after.report, rates)
      call.result(comparison, () => comparisonText(comparison, call.palette, call.columns))
      return EXIT_DONE
    }
    const found = await findReport(config, typeof run === 'string' ? run : undefined, signal)
    if (open === true) {
      const { openFile } = await import('./open-file.js')
      await openFile(await found.page(), call.io.env)
      call.result({ formatVersion: 1, opened: found.pageUri }, plainText(found.pageUri))
      return EXIT_DONE
    }
    call.notice(`the page: ${plainText(found.pageUri)}`)
    call.result(found.report, found.markdown)
    return EXIT_DONE
  })
}
