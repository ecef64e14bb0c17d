/** `etl3 export-dictionary`: what the columns of the table mean, for people and for other programs. */
import { type Command, Option } from 'commander'
import { jsonText } from './output/json-text.js'
import type { CliShell } from './shell.js'

const FORMATS = ['markdown', 'json', 'glue'] as const

const DESCRIPTION = `Prints the data dictionary: every column of the table with type, source and meaning.
  markdown  a page that also says what ETL3 reads
  json      an array of columns
  glue      the same as StorageDescriptor.Columns of Glue's API, each meaning as the column's comment`

/** Adds `etl3 export-dictionary`. */
export function registerExportDictionary(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'export-dictionary',
    summary: 'print the data dictionary as Markdown, JSON or Glue columns',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 export-dictionary > data-dictionary.md', purpose: 'a page for people' },
      { call: 'etl3 export-dictionary --format json', purpose: 'for a catalog of your own' },
      { call: 'etl3 export-dictionary --format glue', purpose: 'column comments for a Glue table' },
    ],
  })
  command.addOption(new Option('-f, --format <format>', 'form of the dictionary').choices(FORMATS))
  shell.action(command, async (call) => {
    const asked = FORMATS.find((format) => format === call.options['format'])
    const format = asked ?? (call.format === 'json' ? 'json' : 'markdown')
    call.io.stdout.write(await dictionaryText(format))
  })
}

async function dictionaryText(format: (typeof FORMATS)[number]): Promise<string> {
  if (format === 'markdown') {
    const { dictionaryMarkdown } = await import('../report/dictionary-markdown.js')
    return dictionaryMarkdown()
  }
  const { exportedColumns, glueColumns } = await import('../star/dictionary-export.js')
  return jsonText(format === 'json' ? exportedColumns() : glueColumns())
}
