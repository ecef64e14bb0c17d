/** `etl3 why`: follows one row from the input to the table. */
import { type Command, Option } from 'commander'
import type { RowKind } from '../history/follow-row.js'
import { UsageError } from '../runtime/errors.js'
import { untilSignal } from './interruptible.js'
import { QueryProgress } from './query-progress.js'
import type { CliShell } from './shell.js'

const KINDS: readonly RowKind[] = ['fact', 'npi']

const DESCRIPTION = `Follows one row from the input to the table, and says the reason at each step. It reads only.

Of a fact_uid: which file of the input has it, whether the screen set it aside and by which rule, how many providers its
group has, and how many rows of the table it has, in which partitions, written by which run. Of an npi: whether dim_npi
describes it, which groups link to it, how many facts these have, and its rows of the table.

The input is read as it lies now; quarantine and table are those of the published run. An input that lies in a bucket is
not searched: the step says so, and the others are answered. Where nothing is known of the id, the exit code is 2.`

/** Adds `etl3 why`. */
export function registerWhy(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'why',
    asks: false,
    summary: 'follow one fact_uid or npi from the input to the table, with the reason at each step',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 why 9000104729', purpose: 'a provider: ten digits are an npi' },
      { call: 'etl3 why 5d41402abc4b2a76b9719d911017c592', purpose: 'a fact' },
      { call: 'etl3 why -o json --as fact 9000104729', purpose: 'a fact whose fact_uid has ten digits, for a program' },
    ],
  })
  shell
    .configOptions(command, ['--memory-limit'])
    .addOption(
      new Option('--as <kind>', 'what the id is (default: ten digits are an npi, all else a fact_uid)').choices(KINDS),
    )
    .argument('<id>', 'a fact_uid or an npi, exactly as it is written')
  shell.action(command, async (call) => {
    // A line of CSV in a shell's substitution brings its carriage return.
    const id = (call.args[0] ?? '').replace(/[\r\n]+$/, '')
    if (id === '') {
      throw new UsageError('ETL3-CL-01', 'the id is empty', { hint: 'Give a fact_uid or an npi.' })
    }
    const { config } = await call.loadConfig()
    const kind = KINDS.find((one) => one === call.options['as'])
    const progress = new QueryProgress(call)
    try {
      const row = await untilSignal(
        call,
        (signal) => shell.services.followRow({ config, id, kind, signal }),
        () => 'the row was not followed to its end',
      )
      progress.end()
      const { followedRowText, toldSteps } = await import('./output/followed-row-text.js')
      call.result({ ...row, steps: toldSteps(row) }, () => followedRowText(row, call.palette, call.columns))
    } finally {
      progress.end()
    }
  })
}
