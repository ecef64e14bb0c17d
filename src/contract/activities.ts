/** What the activities take and return: references and figures under 1 KB, never rows. Types only: the workflow imports them. */
import type { S3Settings } from '../lake/s3/settings.js'
import type { Etl3Input, PartitionCounts, RunMode, RunResult } from './messages.js'

/** A record or staged object in the store. */
export interface Reference {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}

/** Every answer says how much memory its worker has used at most, in MB resident, and how much it may use. */
export interface Measured {
  /** Since the worker began. */
  readonly peakMemoryMb: number
  /** In the phase of this activity. */
  readonly phaseMemoryMb: number
  /** What this worker process may use. Unset: the answer is that of an older version. */
  readonly workerLimitMb?: number
}

/** What opens a run: the workflow's input and who asks. */
export interface OpenRunInput {
  readonly input: Etl3Input
  readonly mode: RunMode
  readonly workflowId: string
  /** The same for all executions of one run: an execution continued as new keeps it. */
  readonly executionId: string
}

/** A run in words that every later step needs. Small: it travels with every activity. */
export interface RunRef {
  readonly runId: string
  readonly workflowId: string
  readonly metadataUri: string
  /** How buckets are reached, if the run needs any. */
  readonly s3: S3Settings
  readonly mode: RunMode
  /** Number of the lock that this run holds. */
  readonly lockNumber: number
  readonly lockOwner: string
  /** How long the lock lasts without renewal. */
  readonly lockLeaseMs: number
}

/** The answer of openRun. */
export interface OpenedRun extends Measured {
  readonly run: RunRef
  /** The result at once, when there is nothing to do. */
  readonly unchanged: RunResult | undefined
  readonly maxWorkers: number
  /** After how long without a sign of life an activity counts as dead. */
  readonly heartbeatTimeoutMs: number
  /** Name of the table. */
  readonly table: string
  /** Whether the server knows ETL3's search attributes. */
  readonly searchAttributes: boolean
  /** Input files of facts. */
  readonly factFiles: number
  /** In so many batches they are staged. Unset: the run was opened before there were batches. */
  readonly factBatches?: number
  /** Bytes of all input files. */
  readonly inputBytes: number
}

/** The answer of validateInputs. */
export interface ValidatedInputs extends Measured {
  readonly record: Reference
  readonly facts: number
  readonly warnings: number
}

/** The answer of a staging step. */
export interface Staged extends Measured {
  readonly record: Reference
  readonly rows: number
}

/** A batch of fact files. Of a run that was opened before there were batches, a file by itself. */
export type StageFactsInput = { readonly run: RunRef } & ({ readonly batch: number } | { readonly file: number })

/** The answer of stageFacts. */
export interface StagedBatch extends Staged {
  readonly files: number
}

/** The answer of screenFacts. */
export interface Screened extends Measured {
  readonly record: Reference
  readonly facts: number
  readonly quarantined: number
  readonly warnings: number
}

/** The answer of planPartitions. */
export interface Planned extends Measured {
  readonly record: Reference
  readonly units: number
  readonly rows: number
  /** Rows of the partitions that will be written. */
  readonly rowsToWrite: number
  readonly partitions: PartitionCounts
  /** About the table that the plan makes. Unset: none. */
  readonly warnings?: number
  /** Unset: the run keeps no analytics table. */
  readonly analytics?: PlannedAnalytics
}

/** What a run does to the analytics table. */
export interface PlannedAnalytics {
  readonly units: number
  readonly files: number
  readonly filesToWrite: number
  readonly rowsToWrite: number
}

/** The answer of checkQuality. */
export interface Checked extends Measured {
  readonly record: Reference
  readonly warnings: number
}

/** One unit of a run. */
export interface UnitInput {
  readonly run: RunRef
  readonly unit: number
}

/** The answer of writePartitions, auditObjects and publishPartitions. */
export interface UnitDone extends Measured {
  readonly unit: number
  readonly partitions: number
  readonly rows: number
  readonly bytes: number
}

/** The answer of balanceLedger. */
export interface Audited extends Measured {
  readonly record: Reference
  readonly partitions: number
  /** Objects of which every row was read again. */
  readonly readAgain: number
  readonly bytes: number
}

/** The answer of commitAnalytics. */
export interface CommittedTable extends Measured {
  /** Full address of the table's root. */
  readonly uri: string
  /** A whole number beyond 2^53. */
  readonly snapshotId: string
  readonly rows: number
  readonly bytes: number
  readonly files: number
}

/** The answer of registerTables. */
export interface Registered extends Measured {
  readonly catalogUri: string
  readonly partitions: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
  /** The check query, where the catalog's engine takes its time. */
  readonly counting?: { readonly query: string; readonly pollMs: number; readonly timeoutMs: number }
}

/** A check query that is under way. */
export interface CountInput {
  readonly run: RunRef
  readonly query: string
}

/** Whether a check query is done; one that counts other rows than the ledger is an error. */
export interface CountLook extends Measured {
  readonly done: boolean
}

/** What the last step needs of the workflow's own knowledge. */
export interface ReportInput {
  readonly run: RunRef
  /** When the workflow began, milliseconds since the epoch. */
  readonly startedAtMs: number
  readonly seconds: Readonly<Record<string, number>>
  readonly peakMemoryMb: number
  readonly memoryByPhase: Readonly<Record<string, number>>
  readonly warnings: number
}

/** How a run that did not succeed ended. */
export interface RunEnding {
  readonly outcome: 'failed' | 'cancelled'
  readonly message: string
  /** Where it stands in docs/errors.md. Unset: it has no code. */
  readonly code?: string | undefined
}

/** A run that was opened, and how it ended. */
export interface CloseRunInput extends RunEnding {
  readonly run: RunRef
}

/** A run that could not be opened, and why. */
export interface CloseUnopenedInput extends RunEnding, OpenRunInput {}

/** The activities of ETL3, in the order of the run. */
export interface Etl3Activities {
  openRun(input: OpenRunInput): Promise<OpenedRun>
  validateInputs(run: RunRef): Promise<ValidatedInputs>
  stageDimensions(run: RunRef): Promise<Staged>
  stageFacts(input: StageFactsInput): Promise<StagedBatch>
  joinFacts(run: RunRef): Promise<Staged>
  screenFacts(run: RunRef): Promise<Screened>
  planPartitions(run: RunRef): Promise<Planned>
  checkQuality(run: RunRef): Promise<Checked>
  writePartitions(input: UnitInput): Promise<UnitDone>
  auditObjects(input: UnitInput): Promise<UnitDone>
  balanceLedger(run: RunRef): Promise<Audited>
  /** The units of the analytics table, which are counted apart from the others. */
  writeAnalytics(input: UnitInput): Promise<UnitDone>
  auditAnalytics(input: UnitInput): Promise<UnitDone>
  commitAnalytics(run: RunRef): Promise<CommittedTable>
  publishPartitions(input: UnitInput): Promise<UnitDone>
  registerTables(run: RunRef): Promise<Registered>
  lookAtCount(input: CountInput): Promise<CountLook>
  stopCount(input: CountInput): Promise<void>
  removePartitions(run: RunRef): Promise<UnitDone>
  writeReport(input: ReportInput): Promise<RunResult>
  /** Keeps the lock while the run is paused. */
  renewLock(run: RunRef): Promise<void>
  /** Releases what a run holds that did not succeed. */
  closeRun(input: CloseRunInput): Promise<void>
  /** Tells of a run that ended before it was opened: it holds nothing. */
  closeUnopened(input: CloseUnopenedInput): Promise<void>
}
