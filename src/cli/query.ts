/** `etl3 query`: asks the catalog. */
import type { Command } from 'commander'
import { UsageError } from '../runtime/errors.js'
import { type AnswerSink, type FileSink, openFileSink, streamSink } from './answer-sink.js'
import { csvPieces, jsonPieces, TABLE_ROWS, type TableEnd, tablePieces } from './answer-text.js'
import { ReaderGone } from './exit-codes.js'
import { untilSignal } from './interruptible.js'
import { countOf, countText } from './output/figures.js'
import { QueryProgress } from './query-progress.js'
import type { CatalogAnswer, CatalogQuery, CliServices } from './services.js'
import type { CliCall, CliShell } from './shell.js'

/** The word for standard input in the place of the SQL. */
const STANDARD_INPUT = '-'

const DESCRIPTION = `Asks the published table in DuckDB's SQL, e.g. etl3 query "select state, count(*) from fact_rate_enriched group by 1".
Where the table lies on S3, Athena is asked, in its SQL. "etl3 query -" reads the SQL from standard input.

Rows are written as they come, in constant memory. A terminal gets the first ${countText(TABLE_ROWS)} rows as a table; -o csv, -o json and
-o parquet give all of them. A query that does not come to its end says so and ends with another code than 0.
Text, and everything on a terminal, shows control characters as escapes; csv and parquet hold the values as they are.`

/** Adds `etl3 query`. */
export function registerQuery(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'query',
    summary: 'ask the catalog in SQL',
    description: DESCRIPTION,
    formats: ['text', 'json', 'csv', 'parquet'],
    examples: [
      {
        call: 'etl3 query "select state, count(*) from fact_rate_enriched group by all"',
        purpose: 'a table on the terminal',
      },
      {
        call: `etl3 query -o csv "select * from fact_rate_enriched where state = 'MN' limit 100" > mn.csv`,
        purpose: 'rows for another program',
      },
      {
        call: `etl3 query -o parquet --output-file mn.parquet "select * from fact_rate_enriched where state = 'MN'"`,
        purpose: 'a file that is there whole or not at all',
      },
      {
        call: 'etl3 query --as-of 2026-08-01 "select count(*) from fact_rate_enriched"',
        purpose: 'an earlier state, where the runs keep the analytics table',
      },
      { call: 'etl3 query - < question.sql', purpose: 'the SQL from a file' },
    ],
  })
  shell
    .configOptions(command, ['--memory-limit'])
    .option('--as-of <run|time>', 'ask the table as that run left it, or as it was at that time')
    .option('--output-file <file>', 'write the answer to a file; it is there when it is whole')
    .argument('<sql>', `one statement that reads; ${STANDARD_INPUT}: from standard input`)
  shell.action(command, async (call) => {
    const { config } = await call.loadConfig()
    const asOf = typeof call.options['asOf'] === 'string' ? { asOf: call.options['asOf'] } : {}
    const path = typeof call.options['outputFile'] === 'string' ? call.options['outputFile'] : undefined
    if (call.format === 'parquet' && path === undefined && call.io.stdout.isTTY === true) {
      throw new UsageError('ETL3-CL-01', 'Parquet is no text for a terminal', {
        hint: 'Name a file with --output-file, or send the output to one: > answer.parquet',
      })
    }
    const ask = async (signal: AbortSignal): Promise<CatalogQuery> => ({
      config,
      sql: await sqlOf(call, signal),
      signal,
      ...asOf,
    })
    await giveAnswer(call, shell.services, { ask, path, text: TABLE_TEXT })
  })
}

/** How an answer is shown in the form `text`. */
export interface AnswerText {
  /** @param end told whether rows were left out */
  pieces(call: CliCall, coming: CatalogAnswer, sink: AnswerSink, end: TableEnd): AsyncIterable<string>
  /** The line below it, on stderr. */
  note(rows: number, coming: CatalogAnswer, end: TableEnd): string
}

/** What is asked, and where the answer goes. */
export interface AnswerRequest {
  ask(signal: AbortSignal): Promise<CatalogQuery>
  /** Unset: standard output. */
  readonly path?: string | undefined
  readonly text: AnswerText
}

/**
 * Asks the catalog and hands the answer over in the form of the call, whole or with a word that it is not.
 * @throws Interrupted where a signal ended it, ReaderGone, and the errors of the catalog
 */
export async function giveAnswer(call: CliCall, services: CliServices, request: AnswerRequest): Promise<void> {
  const { ask, path, text } = request
  let sink: AnswerSink | undefined
  await untilSignal(
    call,
    async (signal) => {
      const file = path === undefined ? undefined : await openFileSink(path, signal)
      sink = file ?? streamSink(call.io.stdout, signal, () => call.resultBegins())
      try {
        await answer(call, services, await ask(signal), { sink, file, text })
        await sink.finish()
      } catch (error) {
        await sink.discard()
        const told = signal.aborted || error instanceof ReaderGone
        if (sink.begun && !told) call.warn('the output is incomplete: it ends where the query failed')
        throw error
      }
    },
    () => `the query was stopped${sink?.begun ? '; the output is incomplete' : ''}`,
  )
}

async function sqlOf(call: CliCall, signal: AbortSignal): Promise<string> {
  const [sql = ''] = call.args
  return sql === STANDARD_INPUT ? await call.io.readInput(signal) : sql
}

async function answer(
  call: CliCall,
  services: CliServices,
  query: CatalogQuery,
  { sink, file, text }: { readonly sink: AnswerSink; readonly file: FileSink | undefined; readonly text: AnswerText },
): Promise<void> {
  const progress = new QueryProgress(call)
  try {
    if (call.format === 'parquet') {
      const rows = await writeParquet(services, query, sink, file)
      progress.end()
      call.notice(countOf(rows, 'row'))
      return
    }
    await services.askCatalog(query, async (coming) => {
      const counted = countedAnswer(coming, progress)
      const end: TableEnd = { cut: false }
      for await (const piece of piecesOf(call, counted.answer, { sink, text, end })) {
        // On one terminal, a line that is redrawn would stand among the rows.
        if (sink.terminal) progress.end()
        await sink.write(piece)
      }
      progress.end()
      if (call.format === 'text' || file) call.notice(text.note(counted.rows, coming, end))
    })
  } finally {
    progress.end()
  }
}

/** A table; on a terminal its first rows. */
const TABLE_TEXT: AnswerText = {
  pieces: ({ palette }, coming, sink, end) =>
    tablePieces(coming, { palette, most: sink.terminal ? TABLE_ROWS : undefined }, end),
  note: closingNote,
}

function piecesOf(
  call: CliCall,
  coming: CatalogAnswer,
  { sink, text, end }: { readonly sink: AnswerSink; readonly text: AnswerText; readonly end: TableEnd },
): AsyncIterable<string> {
  switch (call.format) {
    case 'csv':
      return csvPieces(coming, { visible: sink.terminal })
    case 'json':
      return jsonPieces(coming)
    default:
      return text.pieces(call, coming, sink, end)
  }
}

/** DuckDB writes a file; where the answer goes elsewhere, the file is made in the scratch folder and sent from there. */
async function writeParquet(
  services: CliServices,
  query: CatalogQuery,
  sink: AnswerSink,
  file: FileSink | undefined,
): Promise<number> {
  if (file?.unfinished !== undefined) return await services.answerToParquet(query, file.unfinished)
  const [{ join }, { createReadStream }, { withQueryScratch }] = await Promise.all([
    import('node:path'),
    import('node:fs'),
    import('../lake/query-scratch.js'),
  ])
  return await withQueryScratch(query.config.processing.scratch, async (scratch) => {
    const whole = join(scratch, 'answer.parquet')
    const rows = await services.answerToParquet(query, whole)
    for await (const piece of createReadStream(whole)) await sink.write(piece)
    return rows
  })
}

function countedAnswer(
  answer: CatalogAnswer,
  progress: QueryProgress,
): { readonly answer: CatalogAnswer; rows: number } {
  const counted = { answer: { ...answer, pieces: counting() }, rows: 0 }
  async function* counting(): AsyncGenerator<readonly (readonly unknown[])[]> {
    for await (const piece of answer.pieces) {
      counted.rows += piece.length
      progress.add(piece.length)
      yield piece
    }
  }
  return counted
}

function closingNote(rows: number, { filesScanned, filesOfTable }: CatalogAnswer, { cut }: TableEnd): string {
  if (cut) {
    return `the first ${countText(TABLE_ROWS)} rows; there are more: -o csv or -o json gives all of them, --output-file <file> writes them to a file`
  }
  const pruned = filesScanned !== undefined && filesOfTable !== undefined && filesScanned < filesOfTable
  return `${countOf(rows, 'row')}${pruned ? `; ${countText(filesScanned)} of ${countOf(filesOfTable, 'file')} can hold such rows` : ''}`
}
