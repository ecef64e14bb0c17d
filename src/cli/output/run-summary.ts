/** How a run ended, as text. */
import type { ResolvedConfig } from '../../config/load.js'
import type { AnalyticsResult, RunResult } from '../../contract/messages.js'
import { plainText } from '../../runtime/plain-text.js'
import { commandToTry, shellWord } from './command-to-try.js'
import { bytesText, countOf, countText, secondsText } from './figures.js'
import type { Palette } from './palette.js'
import { wrapLine } from './wrapped-line.js'

const LABEL_COLUMNS = 11
/** Changes of the analytics table that are told one by one. */
const MOST_SET_ASIDE = 3

/** What the summary of a run tells besides its result. */
export interface SummaryContext {
  readonly palette: Palette
  /** Columns that a line may take; what is to be copied may take more. */
  readonly columns: number
  readonly resolved: Pick<ResolvedConfig, 'config' | 'file' | 'environment'>
  /** The Web UI, where one is known. */
  readonly uiUrl: string | undefined
  /** Whether the server goes when the command ends. */
  readonly serverEnds: boolean
}

/** The lines that end a run, a validation or a plan. */
export function runSummary(result: RunResult, context: SummaryContext): string {
  const { palette } = context
  const lines = [palette.bold(headline(result)), '']
  /** A place or a command: in one piece, so that it can be copied. */
  const addWhole = (label: string, text: string): void => {
    lines.push(`${label.padEnd(LABEL_COLUMNS)}${plainText(text)}`)
  }
  const add = (label: string, text: string): void => {
    lines.push(wrapLine(`${label.padEnd(LABEL_COLUMNS)}${plainText(text)}`, context.columns, LABEL_COLUMNS))
  }
  const { partitions } = result
  add('facts', `${countText(result.facts)} read, ${countText(result.quarantined)} quarantined`)
  add(
    'partitions',
    `${countText(partitions.total)} (${countText(partitions.added)} added, ${countText(partitions.replaced)} replaced, ${countText(partitions.kept)} kept, ${countText(partitions.removed)} removed)`,
  )
  if (result.analytics) add('analytics', analyticsText(result.analytics))
  for (const text of setAsideTexts(result.analytics)) add('set aside', text)
  if (result.bytes > 0) add('size', bytesText(result.bytes))
  if (result.toWrite) add('to write', toWriteText(result.toWrite))
  for (const lack of result.toWrite?.lacks ?? []) add('room', lack)
  if (result.warnings > 0) add('warnings', `${countText(result.warnings)}, see the report`)
  for (const source of result.warningSources ?? []) add('  from', source)
  for (const warning of result.tableWarnings ?? []) add('catalog', warning)
  for (const leftOut of result.leftOut ?? []) add('left out', leftOut)
  add(
    'memory',
    `${countText(Math.round(result.peakMemoryMb))} MB at the peak, limit ${countText(result.memoryLimitMb)} MB`,
  )
  if (Object.keys(result.seconds).length > 0) add('time', timeText(result.seconds))
  if (result.status === 'published' || result.status === 'unchanged') {
    addWhole('table', result.outputUri)
    if (result.analytics) addWhole('iceberg', result.analytics.inGlue ? result.analytics.table : result.analytics.uri)
    addWhole('query', queryToTry(result, context.resolved))
  }
  if (result.reportUri !== '') addWhole('report', result.reportUri)
  addWhole('web ui', webUiText(context))
  return lines.join('\n')
}

function headline({ status, rows, partitions }: RunResult): string {
  const size = `${countOf(rows, 'row')} in ${countOf(partitions.total, 'partition')}`
  switch (status) {
    case 'published':
      return `published: ${size}`
    case 'unchanged':
      return `unchanged: input and configuration are those of the last run, nothing was written (${size})`
    case 'validated':
      return `validated: the input passes, ${size} are planned, the table was not touched`
    case 'planned':
      return `planned: ${size}, the table was not touched`
    case 'failed':
      return 'failed'
  }
}

/** How many files it has, and what the run does to them. */
function analyticsText({ files, rows, added, addedRows, committed }: AnalyticsResult): string {
  const size = `${countOf(files, 'file')}, ${countOf(rows, 'row')}`
  if (!committed) return `${size}: ${countOf(added, 'file')} to write, ${countOf(addedRows, 'row')}`
  const { bytes, removed, snapshotId } = committed
  return `${size}, ${bytesText(bytes)} (${countText(added)} added, ${countText(removed)} removed), snapshot ${snapshotId}`
}

function toWriteText({ files, estimatedBytes }: NonNullable<RunResult['toWrite']>): string {
  return files === 0 ? 'nothing' : `about ${bytesText(estimatedBytes)} in ${countOf(files, 'file')}`
}

/** What others had done to it; where that is much, the newest of it. */
function setAsideTexts(analytics: AnalyticsResult | undefined): string[] {
  const setAside = analytics?.committed?.setAside ?? []
  const told = setAside.slice(0, MOST_SET_ASIDE).map(({ what, wayBack }) => `${what}. ${wayBack}`)
  const more = setAside.length - told.length
  return more === 0 ? told : [...told, `${countOf(more, 'further change')}, see the report`]
}

function timeText(seconds: Readonly<Record<string, number>>): string {
  const { total, ...phases } = seconds
  const parts = Object.entries(phases).map(([phase, value]) => `${phase} ${value.toFixed(1)}`)
  return `${secondsText(total ?? 0)}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}

function queryToTry({ table }: RunResult, resolved: SummaryContext['resolved']): string {
  // The table's name may come with its database.
  const name = table.split('.').at(-1) ?? table
  const column = resolved.config.partitioning.partition_columns[0] ?? '1'
  const sql = `select ${sqlName(column)}, count(*) from ${sqlName(name)} group by all order by 2 desc`
  return [commandToTry('query', resolved), shellWord(sql)].join(' ')
}

function webUiText({ uiUrl, serverEnds, resolved }: SummaryContext): string {
  // With the same flags: the private server, and so the history, is that of the configured output.
  const dev = `'${commandToTry('dev', resolved)}'`
  if (serverEnds) return `${dev} opens it`
  return uiUrl ?? `that of your Temporal server, or ${dev}`
}

function sqlName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
