/** Runs as the commands see them: a small port over Temporal's client. Adapter: `temporal-runs.ts`. */
import type { Config } from '../../config/schema.js'
import type { Etl3Input, RunMode, RunResult } from '../../contract/messages.js'
import type { Logger } from '../../runtime/logging.js'
import type { LiveProgress } from './live-progress.js'

/** What a run was asked for, in a form that two requests can be compared by. */
export interface RunRequest {
  readonly mode: RunMode
  /** Values by dotted key, as text, of all keys that shape a run. Userinfo is masked. */
  readonly settings: Readonly<Record<string, string>>
}

/** A run that is going, or was when it was found. */
export interface OngoingRun {
  readonly workflowId: string
  /** The task queue on which it waits for workers. */
  readonly taskQueue: string
  /** What it was asked for; undefined when that cannot be told. */
  readonly request: RunRequest | undefined
  /**
   * Waits for the end, also while the server is away for a short time.
   * @throws whatever the workflow failed with, UnavailableError ETL3-CL-04 when the server stays away
   */
  result(): Promise<RunResult>
  /** Where it stands, or undefined when no worker answers just now. */
  progress(): Promise<LiveProgress | undefined>
  /** The workers that can take its work now, by their identities at Temporal; undefined when that cannot be told. */
  workers(): Promise<readonly string[] | undefined>
  /** Asks for its cancellation; {@link OngoingRun.result} tells when it is done. */
  cancel(): Promise<void>
  /** Lets it go on if it is paused. */
  unpause(): Promise<void>
}

/** A run to be started. */
export interface StartRun {
  readonly workflowId: string
  readonly input: Etl3Input
  readonly request: RunRequest
  /** One line for the list of runs in the Web UI. */
  readonly summary: string
  /** What the run is about, in Markdown, for its page in the Web UI. */
  readonly details: string
}

/** A Temporal server with its workers. */
export interface Runs {
  /** The server's Web UI. */
  readonly uiUrl: string | undefined
  /** Whether the server is a private one that goes when this run ends. */
  readonly ownsServer: boolean
  /** Resolves when server or worker can't be kept alive any more: waiting for a run is in vain then. */
  readonly broken: Promise<Error>
  /** The task queue on which runs get a worker that is meant for them. */
  readonly taskQueue: string
  /** Starts a run on it, or answers undefined when one is going under the same workflow id. */
  start(run: StartRun): Promise<OngoingRun | undefined>
  /** The run that is going under the id, if there is one. */
  ongoing(workflowId: string): Promise<OngoingRun | undefined>
  /** Lets go of the server; stops it if it is a private one and `stopServer` says so. */
  close(options: { readonly stopServer: boolean }): Promise<void>
}

/** How to reach a server. */
export interface OpenRunsOptions {
  readonly config: Config
  readonly workflowId: string
  readonly log: Logger
  onNotice(line: string): void
}
