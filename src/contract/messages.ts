/** What goes in and out of the workflow: inputs, results, updates, queries. References and figures, never rows. */
import { defineQuery, defineUpdate } from '@temporalio/workflow'

/** Name of the workflow type and of the default task queue. */
export const WORKFLOW_TYPE = 'etl3'

/** How far a run goes: to the end, to the quality gate (`--validate-only`), or to the plan (`--dry-run`). */
export type RunMode = 'run' | 'validate' | 'plan'

/** Input of the workflow: `temporal workflow start --type etl3 --task-queue etl3 --input '{"config":"config/etl3.yaml"}'`. */
export interface Etl3Input {
  /** Path of the configuration file as the worker sees it. Default: `config/etl3.yaml` in its folder or one above. */
  readonly config?: string
  /** Environment section of the configuration file. */
  readonly environment?: string
  /**
   * Address of the table as the caller means it: an absolute folder or an `s3://` address. A worker that comes to
   * another one (it reads another configuration) refuses. Default: whatever the worker reads.
   */
  readonly outputUri?: string
  readonly mode?: RunMode
  /** Values that override the file, by dotted key: `{ "processing.chunk_size": 500 }`. Flags and ETL3_* variables of the caller. */
  readonly overrides?: Readonly<Record<string, string | number | boolean>>
}

/** How a run ended. */
export type RunStatus = 'published' | 'unchanged' | 'validated' | 'planned' | 'failed'

/** Partitions by what happens to them. */
export interface PartitionCounts {
  readonly total: number
  readonly added: number
  readonly replaced: number
  readonly kept: number
  readonly removed: number
}

/** What a run makes of the analytics table: the same rows as an Iceberg table of few files. */
export interface AnalyticsResult {
  /** Name of the table, with its database. */
  readonly table: string
  /** Full address of its root. */
  readonly uri: string
  /** Whether Glue names its current state; else the names of its files do. */
  readonly inGlue: boolean
  readonly rows: number
  readonly files: number
  /** Files that the run adds. */
  readonly added: number
  readonly addedRows: number
  /** Unset: the run only plans or validates. */
  readonly committed?: {
    readonly bytes: number
    /** Files that the run took out of the table. */
    readonly removed: number
    /** A whole number beyond 2^53. */
    readonly snapshotId: string
    /** Full address of the metadata file in which it is current. */
    readonly metadataFile: string
    /** The instant of that snapshot: since when readers find it. ISO 8601, UTC. */
    readonly at: string
    /** What others had done to the table and the run set aside, the newest first; missing where that is nothing. */
    readonly setAside?: readonly SetAside[]
  }
}

/** A change of the analytics table that a run has set aside, because its configuration says so. */
export interface SetAside {
  /** What was done, by whom and when, in words. */
  readonly what: string
  /** How it can be read, and brought back. */
  readonly wayBack: string
  /** A whole number beyond 2^53; missing where the change is no snapshot of the table. */
  readonly snapshotId?: string
  /** What the snapshot's writer says that it has done: `append`, `delete`, `overwrite`, `replace` … */
  readonly operation?: string
  /** The snapshot's instant. ISO 8601, UTC. */
  readonly at?: string
}

/** Result of a run: the one object that `run -o json` prints. */
export interface RunResult {
  readonly formatVersion: 1
  readonly runId: string
  readonly workflowId: string
  readonly status: RunStatus
  /** Facts read. `facts` = written + quarantined. */
  readonly facts: number
  readonly quarantined: number
  /** Enriched rows of the table. */
  readonly rows: number
  readonly partitions: PartitionCounts
  /** Bytes of the table's objects. */
  readonly bytes: number
  /** Of one worker process: the one that used most. */
  readonly peakMemoryMb: number
  /** What one worker process may use, as the worker says; where they differ, the largest. */
  readonly memoryLimitMb: number
  /** Seconds by phase, and `total`. */
  readonly seconds: Readonly<Record<string, number>>
  readonly warnings: number
  /** Payer and input file of the facts that gave warnings, a line for each of the first rules; missing where there are none. */
  readonly warningSources?: readonly string[] | undefined
  /** What lies beside the input's files and was not read, a sentence for each place; missing where there is nothing. */
  readonly leftOut?: readonly string[] | undefined
  /** What people should know of the table, a sentence each; missing where there is nothing. */
  readonly tableWarnings?: readonly string[] | undefined
  /** What a run would write, and what there may be no room for, a sentence each. Only of a plan or a validation. */
  readonly toWrite?: { readonly files: number; readonly estimatedBytes: number; readonly lacks: readonly string[] }
  readonly outputUri: string
  readonly table: string
  readonly catalogUri: string
  readonly reportUri: string
  readonly receiptUri: string
  /** Unset: runs keep no analytics table. */
  readonly analytics?: AnalyticsResult
}

/** The phases of a run, in their order. */
export const PHASES = [
  'open',
  'validate',
  'stage',
  'screen',
  'plan',
  'quality',
  'write',
  'audit',
  'publish',
  'register',
  'report',
] as const

/** A phase of the run, in the order in which a run goes through them (docs/architecture.md, The steps). */
export type Phase = (typeof PHASES)[number]

/** Where a run stands: the answer to the query `progress`. */
export interface Progress {
  readonly runId: string | undefined
  readonly phase: Phase
  readonly paused: boolean
  /** One line per phase that has begun, oldest first. `detail` is for people: "1,444,461 rows in 29,425 partitions". */
  readonly phases: readonly PhaseProgress[]
  /** Files of facts that are staged; undefined from a worker that does not say. */
  readonly files?: { readonly done: number; readonly total: number }
  readonly units: { readonly done: number; readonly total: number }
  readonly rows: { readonly done: number; readonly total: number }
  readonly partitions: { readonly done: number; readonly total: number }
  /** Rows of the analytics table's files, which are written after the partitions; undefined where runs keep none. */
  readonly analyticsRows?: { readonly done: number; readonly total: number }
  /** As in {@link RunResult}, of what has answered so far; 0 before the first answer. */
  readonly peakMemoryMb: number
  readonly memoryLimitMb: number
}

/** One phase of a run. */
export interface PhaseProgress {
  readonly phase: Phase
  readonly state: 'running' | 'done' | 'failed'
  /** Milliseconds since the epoch, of the workflow's clock. */
  readonly startedAtMs: number
  readonly seconds: number | undefined
  readonly detail: string
}

/** Search attributes of a run, where the server has them: two keywords and a whole number. */
export const SEARCH_ATTRIBUTES = { dataset: 'Etl3Dataset', status: 'Etl3Status', rows: 'Etl3Rows' } as const

/** Stops scheduling new units and batches of fact files; those that run are finished. Answers whether the run is paused now. */
export const pauseUpdate = defineUpdate<boolean>('pause')
/** Goes on after a pause. */
export const resumeUpdate = defineUpdate<boolean>('resume')
/** Where the run stands. */
export const progressQuery = defineQuery<Progress>('progress')
