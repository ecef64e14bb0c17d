/** What becomes of one row on its way from the input to the table, as far as files and records tell. */
import type { RowsInTable } from './rows-in-table.js'

/** A question about one row. */
export type FollowedRow = FollowedFact | FollowedProvider

/** A part of the answer that could be looked up, or why it could not. */
export type Looked<T> =
  | ({ readonly looked: true } & T)
  | { readonly looked: false; readonly code: string; readonly reason: string }

/** The run that the table shows. */
export interface PublishedRun {
  readonly runId: string
  /** ISO 8601, UTC. */
  readonly publishedAt: string
}

/** How a file of the input compares with what the published run read. `unknown`: nothing is published. */
export type FileState = 'as read' | 'changed since' | 'not read' | 'unknown'

/** A fact as the input has it now. */
export interface FactInInput {
  readonly file: string
  readonly fileState: FileState
  readonly pgUid: string | null
  readonly payerSlug: string | null
  readonly billingClass: string | null
  readonly codeType: string | null
  readonly code: string | null
  readonly yearMonth: string | null
  readonly state: string | null
  readonly negotiatedType: string | null
  readonly negotiatedRate: number | null
}

/** A fact that the screen of the published run set aside. */
export interface FactSetAside {
  readonly rule: string
  /** What holds where the rule is kept, in words; null where the record of the rule does not tell. */
  readonly meaning: string | null
  /** What the fact has instead. */
  readonly found: string
  readonly pgUid: string | null
}

/** The members of a group. */
export interface GroupMembers {
  readonly pgUid: string | null
  /** Distinct valid NPIs. With none, each fact of the group has one row without a provider. */
  readonly providers: number
  /** How many of them dim_npi describes. */
  readonly described: number
}

/** What is known of a fact_uid. */
export interface FollowedFact {
  readonly kind: 'fact'
  readonly id: string
  /** Null where nothing is published yet. */
  readonly published: PublishedRun | null
  /** The configured root of the input where it is not there, and the published run's was searched instead. */
  readonly missingRoot: string | null
  /** The first rows, and how many there are, in how many files. */
  readonly input: Looked<{
    readonly rows: number
    readonly files: number
    readonly examples: readonly FactInInput[]
  }>
  /** Null where nothing is published yet: no run has judged it. */
  readonly screen: Looked<{ readonly setAside: readonly FactSetAside[]; readonly quarantine: string }> | null
  readonly groups: Looked<{ readonly groups: readonly GroupMembers[] }>
  /** Rows that the input gives without what was set aside; null where the input could not be looked at. */
  readonly rowsDue: number | null
  /** Whether files that decide the number of its rows differ from those that the published run read. */
  readonly inputChanged: boolean
  /** Null where nothing is published yet. */
  readonly table: RowsInTable | null
}

/** A provider as dim_npi has it now. */
export interface ProviderInInput {
  readonly file: string
  readonly name: string | null
  readonly taxonomy: string | null
}

/** What is known of an npi. */
export interface FollowedProvider {
  readonly kind: 'npi'
  readonly id: string
  /** Whether links with this npi count: a payer's zeros for "unknown" do not. */
  readonly valid: boolean
  readonly published: PublishedRun | null
  /** As with a fact. */
  readonly missingRoot: string | null
  readonly dimension: Looked<{ readonly rows: readonly ProviderInInput[] }>
  readonly groups: Looked<{ readonly groups: number; readonly examples: readonly string[] }>
  /** Facts of these groups in the input, and those of them that the published run set aside. */
  readonly facts: Looked<{ readonly facts: number; readonly setAside: number }>
  readonly rowsDue: number | null
  readonly inputChanged: boolean
  readonly table: RowsInTable | null
}

/** Whether anything at all is known of the row. */
export function isKnown(row: FollowedRow): boolean {
  if ((row.table?.rows ?? 0) > 0) return true
  if (row.kind === 'fact') {
    return (row.input.looked && row.input.rows > 0) || (row.screen?.looked === true && row.screen.setAside.length > 0)
  }
  return (row.dimension.looked && row.dimension.rows.length > 0) || (row.groups.looked && row.groups.groups > 0)
}
