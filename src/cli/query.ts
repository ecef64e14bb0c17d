/** `etl3 query`: asks the catalog. */
import type { Command } from 'commander'
import { Interrupted } from './exit-codes.js'
import type { SignalName } from './io.js'
import { countOf } from './output/figures.js'
import { csvText, jsonRows, tableText } from './output/query-output.js'
import type { CliShell } from './shell.js'

/** Adds `etl3 query`. */
export function registerQuery(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'query',
    summary: 'ask the catalog in SQL',
    description:
      'Asks the published table in DuckDB\'s SQL, e.g. etl3 query "select state, count(*) from fact_rate_enriched group by 1".\nWhere the table lies on S3, Athena is asked, in its SQL.\nText shows control characters as escapes; csv and json hold the values as they are.',
    formats: ['text', 'json', 'csv'],
    examples: [
      {
        call: 'etl3 query "select state, count(*) from fact_rate_enriched group by all"',
        purpose: 'a table on the terminal',
      },
      {
        call: `etl3 query -o csv "select * from fact_rate_enriched where state = 'MN' limit 100" > mn.csv`,
        purpose: 'rows for another program',
      },
    ],
  })
  shell.configOptions(command).argument('<sql>', 'one statement that reads')
  shell.action(command, async (call) => {
    const { config } = await call.loadConfig()
    const abort = new AbortController()
    let stoppedBy: SignalName | undefined
    call.onSignal((signal) => {
      stoppedBy = signal
      abort.abort()
    })
    try {
      const answer = await shell.services.queryCatalog({ config, sql: call.args[0] ?? '', signal: abort.signal })
      if (call.format === 'csv') call.io.stdout.write(csvText(answer))
      else call.result(jsonRows(answer), () => tableText(answer, call.palette))
      const files = answer.filesScanned === undefined ? '' : ` from ${countOf(answer.filesScanned, 'file')}`
      if (call.format === 'text') call.notice(`${countOf(answer.rows.length, 'row')}${files}`)
    } catch (error) {
      if (stoppedBy) throw new Interrupted(stoppedBy, 'the query was stopped', { cause: error })
      throw error
    }
  })
}
