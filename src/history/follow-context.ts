/** What the steps that follow a row share. */
import type { TableName } from '../config/schema.js'
import type { RunRecords } from '../records/records.js'
import { InputError } from '../runtime/errors.js'
import type { Looked, PublishedRun } from './followed-row.js'
import type { InputSearch } from './input-search.js'
import type { RowsInTable } from './rows-in-table.js'

/** Whom to ask about an id. */
export interface FollowContext {
  readonly id: string
  /** Undefined where nothing is published yet. */
  readonly published: (PublishedRun & { readonly records: RunRecords }) | undefined
  /** The configured root of the input where it is not there, and the published run's is searched. */
  readonly missingRoot: string | null
  /** Folder for copies. */
  readonly scratch: string
  readonly signal: AbortSignal
  /** Opens the input for a search; its memory is free again afterwards. */
  readonly search: <T>(act: (input: InputSearch) => Promise<T>) => Promise<T>
  /** The rows of the table; null where nothing is published. */
  readonly inTable: (column: 'fact_uid' | 'npi') => Promise<RowsInTable | null>
}

/** The tables of the input that decide how many rows a fact gives. */
export const TABLES_OF_ROWS: readonly TableName[] = ['fact_rate', 'xref_pg_member_npi']

/**
 * What `look` finds, or why the input cannot be looked at: that is an answer as well.
 * @throws what is no fault of the input
 */
export async function lookingAt<T extends object>(look: () => Promise<T>): Promise<Looked<T>> {
  try {
    return { looked: true, ...(await look()) }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { looked: false, code: error.code, reason: error.message }
  }
}

/** Whether files of {@link TABLES_OF_ROWS} differ from those that the published run read; false where they cannot be seen. */
export async function inputChanged(input: InputSearch, published: PublishedRun | undefined): Promise<boolean> {
  if (!published) return false
  const changed = await lookingAt(async () => ({ changed: await input.changed(TABLES_OF_ROWS) }))
  return changed.looked && changed.changed
}

/** The same without the store, for an answer. */
export function publishedOf({ published }: FollowContext): PublishedRun | null {
  return published ? { runId: published.runId, publishedAt: published.publishedAt } : null
}
