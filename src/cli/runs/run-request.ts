/** What a run is asked for: its workflow input, and the comparison with a run that is already going. */
import { resolve } from 'node:path'
import type { ResolvedConfig } from '../../config/load.js'
import { valueAt } from '../../config/load.js'
import { isPathKey, pathFrom } from '../../config/project.js'
import { configSchema } from '../../config/schema.js'
import { overridesOf, shapesRun } from '../../config/workflow-overrides.js'
import type { Etl3Input, RunMode } from '../../contract/messages.js'
import { maskUserinfo } from '../../runtime/secrets.js'
import { normalisedUri } from '../../runtime/uri.js'
import type { RunRequest } from './runs.js'

const BUILT_IN = configSchema.parse({})

/** Settings that change how fast a run goes and what it may use, but not what it writes. */
const HOW_NOT_WHAT: ReadonlySet<string> = new Set([
  'processing.chunk_size',
  'processing.max_workers',
  'processing.memory_limit_mb',
  'processing.scratch',
  'processing.unit_seconds',
  'processing.stage_batch_mb',
  'processing.lock_lease_ms',
  'temporal.heartbeat_timeout_ms',
])

/** Input of the workflow: the file and section by name, flags and variables by value. */
export function inputOf(resolved: ResolvedConfig, mode: RunMode): Etl3Input {
  return {
    ...(resolved.file === undefined ? {} : { config: resolve(resolved.file) }),
    ...(resolved.environment === undefined ? {} : { environment: resolved.environment }),
    outputUri: normalisedUri(resolved.config.output.uri),
    mode,
    overrides: overridesOf(resolved),
  }
}

/** The request of a resolved configuration: its places, and the settings that have another value than the built-in one. */
export function requestOf({ config, origins }: ResolvedConfig, mode: RunMode): RunRequest {
  const settings: Record<string, string> = {}
  for (const key of origins.keys()) {
    if (!shapesRun(key)) continue
    const value = valueAt(config, key)
    const text = settingText(typeof value === 'string' && isPathKey(key) ? placeOf(value) : value)
    if (text !== builtInText(key)) settings[key] = text
  }
  return { mode, settings }
}

/** Of a path there is none: where it counts from is not built in. */
function builtInText(key: string): string | undefined {
  return isPathKey(key) ? undefined : settingText(valueAt(BUILT_IN, key))
}

/** How two requests differ. */
export interface RequestDifference {
  /** Differences that make it other work: `output.uri is "b" there, "a" here`. */
  readonly work: readonly string[]
  /** Differences that only change how the work is done. */
  readonly way: readonly string[]
}

/** Compares what is asked for (`here`) with what a run was asked for (`there`). */
export function differenceOf(here: RunRequest, there: RunRequest): RequestDifference {
  const work = here.mode === there.mode ? [] : [`it is a '${there.mode}' there, a '${here.mode}' here`]
  const way: string[] = []
  const keys = new Set([...Object.keys(here.settings), ...Object.keys(there.settings)])
  for (const key of keys) {
    const settingOf = ({ settings }: RunRequest): string => settings[key] ?? builtInText(key) ?? 'unset'
    const [ours, theirs] = [settingOf(here), settingOf(there)]
    if (ours !== theirs) (HOW_NOT_WHAT.has(key) ? way : work).push(`${key} is ${theirs} there, ${ours} here`)
  }
  return { work, way }
}

/** Two requests mean the same place however it is written, and from whichever folder. */
function placeOf(path: string): string {
  return normalisedUri(pathFrom(process.cwd(), path))
}

function settingText(value: unknown): string {
  return maskUserinfo(JSON.stringify(value) ?? 'unset')
}
