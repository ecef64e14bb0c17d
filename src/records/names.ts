/** Names of a run's records and objects, relative to the run, and where runs lie under the metadata root. */

/** Folder of all runs under the metadata root. */
export const RUNS_PREFIX = 'runs/'

/** What a run is about; the first record that it leaves. */
export const RUN_RECORD = 'run.json'

/** Figures of the plan. */
export const PLAN_RECORD = 'plan.json'

/** Figures of the screen. */
export const SCREEN_RECORD = 'screen.json'

/** The facts that the screen set aside, in full, each with its rule. */
export const QUARANTINE = 'quarantine/facts.parquet'
