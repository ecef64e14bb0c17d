/** Finds the reports that runs left in the store. */
import { join } from 'node:path'
import type { Config } from '../../config/schema.js'
import { openMetadata } from '../../lake/stores.js'
import { readCurrent } from '../../records/current.js'
import { RunRecords } from '../../records/records.js'
import { reportMarkdown } from '../../report/markdown.js'
import { parseRunReport, type RunReport } from '../../report/run-report.js'
import { InputError } from '../../runtime/errors.js'

/** One run's report. */
export interface FoundReport {
  readonly report: RunReport
  /** The short form. */
  readonly markdown: string
  /** Address of the page in the store. */
  readonly pageUri: string
  /** Local path of the page, fetched where the store is not local. */
  page(): Promise<string>
}

/** A run id as ETL3 makes it; nothing else becomes part of a key. */
const RUN_ID = /^[0-9a-f]{1,64}$/

/**
 * The report of a run.
 * @param runId default: the run that the table shows
 * @throws InputError ETL3-RP-01 when there is none, ETL3-RP-02 when it cannot be read
 */
export async function findReport(config: Config, runId: string | undefined, signal: AbortSignal): Promise<FoundReport> {
  const store = openMetadata(config)
  const id = runId ?? (await readCurrent(store, signal))?.runId
  if (id === undefined) {
    throw new InputError('ETL3-RP-01', `nothing is published yet [in=${config.output.metadata_uri}]`, {
      hint: 'A run that publishes leaves a report. That of a plan or a validation is shown with --run <id>.',
    })
  }
  const records = new RunRecords(store, id)
  const bytes = RUN_ID.test(id) ? await store.find(records.key('report.json'), signal) : undefined
  if (bytes === undefined) {
    throw new InputError('ETL3-RP-01', `there is no report of run ${id} [in=${config.output.metadata_uri}]`, {
      hint: 'Runs that failed leave none, and only the last ones are kept (output.keep_runs). Folders under runs/ have the ids.',
    })
  }
  const report = parsed(bytes, store.locate(records.key('report.json')))
  return {
    report,
    markdown: reportMarkdown(report),
    pageUri: store.locate(records.key('report.html')),
    page: () => store.fetchLocal(records.key('report.html'), join(config.processing.scratch, 'reports'), signal),
  }
}

function parsed(bytes: Uint8Array, uri: string): RunReport {
  try {
    return parseRunReport(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw new InputError('ETL3-RP-02', `the report cannot be read [${uri}]`, {
      hint: 'It is damaged, or another version of ETL3 wrote it: open report.md beside it.',
      cause,
    })
  }
}
