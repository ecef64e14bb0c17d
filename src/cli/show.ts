/** `etl3 show`: previews rows of the table. */
import { type Command, InvalidArgumentError } from 'commander'
import { tablePieces } from './answer-text.js'
import { countOf } from './output/figures.js'
import type { AnswerText } from './query.js'
import { giveAnswer } from './query.js'
import type { CliShell } from './shell.js'

const DEFAULT_LIMIT = 10
const HIGHEST_LIMIT = 1_000

/** Columns of a terminal that does not tell. */
const DEFAULT_WIDTH = 80

const DESCRIPTION = `Shows some rows of the published table: without a word of SQL, by the same way as "etl3 query".

A terminal gets the columns that fit in its width, those that tell a row apart first; --columns chooses them, and --vertical
shows all of them one below the other. In a pipe, and as csv and json, all columns come.

--where takes column=value, several times for conditions that must all hold. Nothing behind the = means NULL or the empty
text; in a list, one of its values is meant.`

/** Adds `etl3 show`. */
export function registerShow(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'show',
    asks: false,
    summary: 'preview rows of the table',
    description: DESCRIPTION,
    formats: ['text', 'json', 'csv'],
    examples: [
      { call: 'etl3 show', purpose: 'ten rows, the columns that fit' },
      {
        call: 'etl3 show --where state=MN --where code=99213 --limit 3 --vertical',
        purpose: 'all columns of three rows',
      },
      { call: 'etl3 show --columns payer_slug,code,negotiated_rate', purpose: 'these columns' },
      { call: 'etl3 show --where npi= -o csv --limit 1000 > without-provider.csv', purpose: 'rows without a provider' },
    ],
  })
  shell
    .configOptions(command, ['--memory-limit'])
    .option('--where <column=value>', 'only rows with this value; may be given several times', collected)
    .option('--limit <n>', `how many rows, at most ${HIGHEST_LIMIT} (default: ${DEFAULT_LIMIT})`, limitOf)
    .option('--columns <names>', 'which columns, separated by commas')
    .option('--vertical', 'all columns, one below the other')
  shell.action(command, async (call) => {
    const { where, limit, columns, vertical } = call.options
    const { selectRows } = await import('./row-filter.js')
    const chosen = typeof columns === 'string' ? columns : undefined
    const rows = {
      where: Array.isArray(where) ? where.map(String) : [],
      columns: chosen,
      limit: typeof limit === 'number' ? limit : DEFAULT_LIMIT,
    }
    // What is wrong with the words is said before anything is opened.
    selectRows('', rows)
    const { config } = await call.loadConfig()
    const sql = selectRows(config.athena.table, rows)
    await giveAnswer(call, shell.services, {
      ask: async (signal) => ({ config, sql, signal }),
      text: previewText({ vertical: vertical === true, chosen: chosen !== undefined, limit: rows.limit }),
    })
  })
}

function previewText({
  vertical,
  chosen,
  limit,
}: {
  readonly vertical: boolean
  readonly chosen: boolean
  readonly limit: number
}): AnswerText {
  const shown = { hidden: 0 }
  return {
    async *pieces({ io, palette }, coming, sink, end) {
      if (!sink.terminal && !vertical) {
        yield* tablePieces(coming, { palette, most: undefined }, end)
        return
      }
      const { previewPieces } = await import('./output/preview-text.js')
      yield* previewPieces(
        coming,
        {
          palette,
          width: sink.terminal ? (io.stdout.columns ?? DEFAULT_WIDTH) : Number.POSITIVE_INFINITY,
          vertical,
          chosen,
        },
        shown,
      )
    },
    note(rows) {
      const wayToMore = limit < HIGHEST_LIMIT ? '--limit' : '`etl3 query`'
      const more = rows === limit ? `; there may be more: ${wayToMore}` : ''
      const hidden = shown.hidden === 0 ? '' : `; ${countOf(shown.hidden, 'more column')}: --vertical, --columns`
      return `${countOf(rows, 'row')}${more}${hidden}`
    },
  }
}

function collected(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

function limitOf(text: string): number {
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && limit <= HIGHEST_LIMIT) return limit
  throw new InvalidArgumentError(`expected a whole number from 1 to ${HIGHEST_LIMIT}; \`etl3 query\` gives any number.`)
}
