/** `etl3 explore`: a page in which rates and partitions are searched. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { bytesText } from '../runtime/figures.js'
import { plainText } from '../runtime/plain-text.js'
import { openFileSink } from './answer-sink.js'
import { EXIT_DONE } from './exit-codes.js'
import { untilSignal } from './interruptible.js'
import { commandToTry } from './output/command-to-try.js'
import type { CliShell } from './shell.js'

const DEFAULT_FILE = 'explore.html'

const DESCRIPTION = `Writes one page that opens from disk in any browser and needs no network: search a code or a partition, see what is paid by payer and state, copy the SQL for "etl3 query" and Athena and the path of a partition.

It is made from the run's tables of rates and its manifest. It holds the 50,000 largest partitions, and the rates of the codes with the most facts, up to 50,000 groups; the page says what it leaves out, and how to ask for that.`

/** Adds `etl3 explore`. */
export function registerExplore(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'explore',
    summary: 'write a page to search rates and partitions in',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 explore --open', purpose: 'explore.html of the published run, in the browser' },
      { call: 'etl3 explore --run 839b833d09f85e81 --out rates.html', purpose: 'the page of another run' },
    ],
  })
  shell
    .configOptions(command, [])
    .option('--run <id>', 'the run; default: the one that the table shows')
    .option('--out <file>', `where the page goes (default: ${DEFAULT_FILE} here); it is there when it is whole`)
    .option('--open', 'open the page in the browser')
  shell.action(command, async (call) => {
    const resolved = await call.loadConfig()
    const { config } = resolved
    const { run, out, open } = call.options
    const path = resolve(typeof out === 'string' ? out : DEFAULT_FILE)
    const { findReport, explorePage } = shell.services
    const bytes = await untilSignal(
      call,
      async (signal) => {
        const { report } = await findReport(config, typeof run === 'string' ? run : undefined, signal)
        const page = Buffer.from(
          await explorePage({ config, report, queryCommand: commandToTry('query', resolved), signal }),
          'utf8',
        )
        const sink = await openFileSink(path, signal)
        try {
          await sink.write(page)
          await sink.finish()
        } catch (error) {
          await sink.discard()
          throw error
        }
        return page.byteLength
      },
      () => 'no page was written',
    )
    if (open === true) {
      const { openFile } = await import('./open-file.js')
      await openFile(path, call.io.env)
    }
    call.notice(`a page of ${bytesText(bytes)}; it opens from disk in a browser`)
    call.result({ formatVersion: 1, page: path, bytes }, plainText(path))
    return EXIT_DONE
  })
}
