/** Follows one row: through the input, the screen and the groups to the table. Reads only. */
import type { Config } from '../config/schema.js'
import { withEngine } from '../engine/engine.js'
import { queryEngineMb } from '../engine/engine-memory.js'
import { withQueryScratch } from '../lake/query-scratch.js'
import { openMetadata } from '../lake/stores.js'
import { type CurrentRecord, readCurrent } from '../records/current.js'
import { RUN_RECORD } from '../records/names.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord, type RunRecord } from '../records/run.js'
import { InputError, IntegrityError } from '../runtime/errors.js'
import type { FollowContext } from './follow-context.js'
import { followFact } from './follow-fact.js'
import { followProvider } from './follow-provider.js'
import { type FollowedRow, isKnown } from './followed-row.js'
import { openInputSearch } from './input-search.js'
import { rowsInTable } from './rows-in-table.js'
import { searchedInput } from './searched-input.js'

/** What an id is. */
export type RowKind = FollowedRow['kind']

/** Which row, by which configuration. */
export interface RowQuestion {
  readonly config: Config
  /** A fact_uid or an npi. */
  readonly id: string
  /** Unset: ten digits are an npi, all else a fact_uid; where nothing is known of that, the other one. */
  readonly kind?: RowKind | undefined
  readonly signal: AbortSignal
}

const ENGINE_THREADS = 2

const LIKE_AN_NPI = /^\d{10}$/

/**
 * Follows a row.
 *
 * @throws InputError ETL3-WH-01 where neither input nor records nor table know the id
 * @throws IntegrityError ETL3-WH-03 where the records of the published run are gone, ETL3-RN-03 where one cannot be read
 * @throws the errors of a query to the table
 */
export async function followRow(question: RowQuestion): Promise<FollowedRow> {
  return await withQueryScratch(question.config.processing.scratch, async (scratch) => {
    const context = await openContext(question, scratch)
    const missed: FollowedRow[] = []
    for (const kind of kindsOf(question)) {
      const row = kind === 'fact' ? await followFact(context) : await followProvider(context)
      if (isKnown(row)) return row
      missed.push(row)
    }
    throw nothingKnown(question.id, missed)
  })
}

async function openContext({ config, id, signal }: RowQuestion, scratch: string): Promise<FollowContext> {
  const metadata = openMetadata(config)
  const current = await readCurrent(metadata, signal)
  const records = current && new RunRecords(metadata, current.runId)
  const record = await records?.find(RUN_RECORD, parseRunRecord, signal)
  const searched = searchedInput(config, record)
  const memoryLimitMb = queryEngineMb(config.processing.memory_limit_mb)
  return {
    id,
    missingRoot: searched.missingRoot,
    scratch,
    signal,
    published: current && records && { runId: current.runId, publishedAt: current.publishedAt, records },
    search: (act) =>
      withEngine({ memoryLimitMb, threads: ENGINE_THREADS, scratch }, signal, (engine) =>
        act(openInputSearch(searched.config, record, engine)),
      ),
    async inTable(column) {
      if (!current) return null
      return await rowsInTable({
        config,
        current,
        record: requireRecord(record, current),
        column,
        value: id,
        scratch,
        signal,
      })
    },
  }
}

function kindsOf({ id, kind }: RowQuestion): readonly RowKind[] {
  if (kind) return [kind]
  return LIKE_AN_NPI.test(id) ? ['npi', 'fact'] : ['fact', 'npi']
}

function requireRecord(record: RunRecord | undefined, { runId }: CurrentRecord): RunRecord {
  if (record) return record
  throw new IntegrityError('ETL3-WH-03', `the published run has no run.json any more [run=${runId}]`, {
    hint: 'Its folder below output.metadata_uri was deleted or moved. Restore it from a copy.',
  })
}

const WHAT: Readonly<Record<RowKind, string>> = { fact: 'no such fact_uid', npi: 'no such npi' }

function nothingKnown(id: string, missed: readonly FollowedRow[]): InputError {
  const what = missed.map(({ kind }) => WHAT[kind]).join(' and ')
  const unseen = [...new Set(missed.flatMap(unseenOf))]
  const limits = unseen.length === 0 ? '' : `; not looked at: ${unseen.join('; ')}`
  const where = missed.some(({ published }) => published) ? 'input, quarantine and table have' : 'the input has'
  return new InputError('ETL3-WH-01', `nothing is known of ${JSON.stringify(id)}: ${where} ${what}${limits}`, {
    hint: 'An id counts exactly as it is written, zeros in front included. `etl3 show` shows rows of the table with their ids.',
  })
}

function unseenOf(row: FollowedRow): string[] {
  const steps = row.kind === 'fact' ? [row.input, row.screen, row.groups] : [row.dimension, row.groups, row.facts]
  return steps.flatMap((step) => (step && !step.looked ? [step.reason] : []))
}
