/** Schedules as the commands see them: a small port over Temporal's client. Adapter: `temporal-schedules.ts`. */
import type { StartRun } from './runs.js'

/** A schedule to be made. */
export interface NewSchedule {
  readonly id: string
  /** Five fields, as in crontab. */
  readonly cron: string
  /** IANA name. */
  readonly timeZone: string
  /** What is started each time; the time is added to its workflow id. */
  readonly run: StartRun
  readonly paused: boolean
}

/** A schedule that is there. */
export interface ScheduleState {
  readonly id: string
  /** As it was given; undefined where something else made the schedule. */
  readonly cron: string | undefined
  readonly timeZone: string
  readonly paused: boolean
  /** Why it is paused, or was started again. */
  readonly note: string
  /** ISO 8601, the soonest first. */
  readonly next: readonly string[]
  /** The last runs that it started, the newest first. */
  readonly recent: readonly { readonly at: string; readonly workflowId: string }[]
}

/** The schedules of a server. */
export interface Schedules {
  readonly address: string
  /** The task queue of the runs that a schedule made here starts. */
  readonly taskQueue: string
  /** @throws ConflictError ETL3-CL-08 when the id is taken, UsageError ETL3-CL-09 when the server refuses times or zone */
  create(schedule: NewSchedule): Promise<ScheduleState>
  /** All schedules that start ETL3's workflow. */
  list(): Promise<ScheduleState[]>
  /** @throws UsageError ETL3-CL-10 when there is none, as all that follow */
  describe(id: string): Promise<ScheduleState>
  pause(id: string, note: string): Promise<void>
  unpause(id: string, note: string): Promise<void>
  delete(id: string): Promise<void>
  close(): Promise<void>
}
