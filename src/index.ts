/**
 * ETL3 as a library: for those who run its workflow and activities in a worker of their own, start runs from their own
 * program, or ask the published table.
 *
 * ```ts
 * import { Worker } from '@temporalio/worker'
 * import { createEmbeddedActivities, workflowBundle } from 'etl3'
 *
 * const { activities, close } = createEmbeddedActivities({ memoryLimitMb: 1024 })
 * const worker = await Worker.create({
 *   taskQueue: 'etl3',
 *   workflowBundle: workflowBundle(),
 *   activities,
 *   maxConcurrentActivityTaskExecutions: 1,
 * })
 * await worker.run().finally(close)
 * ```
 *
 * @packageDocumentation
 */

export { type LoadOptions, loadConfig, type ResolvedConfig } from './config/load.js'
export { DEFAULT_CONFIG_FILE } from './config/project.js'
export { type Config, configSchema, TABLE_NAMES, type TableName } from './config/schema.js'
export type { Etl3Activities, Measured, Reference, RunRef } from './contract/activities.js'
export {
  type AnalyticsResult,
  type Etl3Input,
  type PartitionCounts,
  type Phase,
  type PhaseProgress,
  type Progress,
  pauseUpdate,
  progressQuery,
  type RunMode,
  type RunResult,
  type RunStatus,
  resumeUpdate,
  SEARCH_ATTRIBUTES,
  type SetAside,
  WORKFLOW_TYPE,
} from './contract/messages.js'
export { createEmbeddedActivities, type EmbeddedActivities, type EmbeddedOptions } from './embedded-activities.js'
export { queryCatalog } from './lake/queries.js'
export type { QueryColumn, QueryRequest, QueryResult, QueryRow } from './lake/query.js'
export { type ErrorKind, Etl3Error, type Etl3ErrorOptions, EXIT_CODES } from './runtime/errors.js'
export type { LogFields, Logger, LogLevel } from './runtime/logging.js'
export { builtWorkflowBundle as workflowBundle } from './runtime/temporal/workflow-bundle.js'
export { workflowIdOf } from './runtime/temporal/workflow-id.js'
export { VERSION } from './runtime/version.js'
export { type Axis, DICTIONARY, type DictionaryColumn } from './star/dictionary.js'
