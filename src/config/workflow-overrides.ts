/** How a configuration travels in a workflow's input, so that a worker elsewhere resolves the same one. */
import { ConfigError } from '../runtime/errors.js'
import { normalisedUri } from '../runtime/uri.js'
import { checkInput } from './input-check.js'
import { loadConfig, type OverrideValue, type ResolvedConfig, valueAt } from './load.js'
import { isPathKey, pathFrom, withPathsFrom } from './project.js'

/** The part of a workflow's input that says which configuration. */
export interface ConfigRequest {
  /** File as the worker sees it. */
  readonly config?: string | undefined
  readonly environment?: string | undefined
  /** Where the caller means the table to lie. */
  readonly outputUri?: string | undefined
  readonly overrides?: Readonly<Record<string, OverrideValue>> | undefined
}

/** What each process has for itself: how it reaches Temporal and where it logs. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  'temporal.address',
  'temporal.namespace',
  'temporal.task_queue',
  'temporal.connect_timeout_ms',
  'logging.file',
  'logging.level',
  'logging.max_size_mb',
  'logging.keep',
])

/**
 * What the worker's owner alone decides. Whoever may start a workflow could otherwise have the worker call any program or
 * address.
 */
const OWNERS_KEYS = /^(notify|metrics)\./
const OWNERS_VARIABLES = /^ETL3_(NOTIFY|METRICS)_/

/** Whether a key shapes the run, and not just the process that reads it. */
export function shapesRun(key: string): boolean {
  return !OWN_KEYS.has(key) && !OWNERS_KEYS.test(key)
}

/**
 * What the caller of a workflow sends along: the values of its flags and ETL3_* variables. Always an object, also when
 * it is empty: that there are `overrides` tells the worker that the caller has had its say.
 */
export function overridesOf({ config, origins }: ResolvedConfig): Record<string, OverrideValue> {
  const overrides: Record<string, OverrideValue> = {}
  for (const [key, origin] of origins) {
    if (!shapesRun(key) || (origin.kind !== 'flag' && origin.kind !== 'variable')) continue
    const value = valueAt(config, key)
    if (Array.isArray(value)) overrides[key] = value.join(',')
    // The worker may be elsewhere: from here on a path says where it counts from.
    else if (typeof value === 'string' && isPathKey(key)) overrides[key] = pathFrom(process.cwd(), value)
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      overrides[key] = value
  }
  return overrides
}

/**
 * The configuration of a run, resolved where the worker is.
 *
 * An input with `overrides` (also `{}`) comes from a command that has resolved its own flags and variables: the
 * worker's ETL3_* variables do not count, or the caller would get a run that differs from what it asked for. An input
 * without them was written by hand (`temporal workflow start --input '{"config":"…"}'`): the worker's variables apply,
 * as they would to a command that is called there.
 *
 * All paths of the answer are absolute: those of the file count from its project, those of overrides and variables from
 * the working directory of the worker.
 *
 * In both cases `notify` and `metrics` come from the file and the worker's variables only.
 *
 * @param env the worker's environment
 * @throws ConfigError as {@link loadConfig}, ETL3-CF-16 when the input is not one, ETL3-CF-14 when the input says what only the worker's owner may, and
 *   ETL3-CF-15 when the table would lie elsewhere than the caller means
 */
export function resolveInput(given: ConfigRequest, env: Readonly<Record<string, string | undefined>>): ResolvedConfig {
  const input = checkInput(given)
  const forbidden = Object.keys(input.overrides ?? {}).find((key) => OWNERS_KEYS.test(key))
  if (forbidden !== undefined) {
    throw new ConfigError('ETL3-CF-14', `${forbidden} cannot be set by the input of a workflow`, {
      hint: "Set it in the configuration file, or in a variable of the worker's process.",
    })
  }
  const resolved = loadConfig({
    file: input.config,
    environment: input.environment,
    env: input.overrides === undefined ? env : ownersVariables(env),
    overrides: input.overrides,
  })
  // Workers of one run may have been started in different folders.
  const config = withPathsFrom(process.cwd(), resolved.config, () => true)
  const outputUri = normalisedUri(config.output.uri)
  if (input.outputUri !== undefined && input.outputUri !== outputUri) {
    throw new ConfigError(
      'ETL3-CF-15',
      `the worker would write another table than the command means [worker=${outputUri}, command=${input.outputUri}]`,
      {
        hint: 'They read different configurations: give command and worker the same file with --config.',
      },
    )
  }
  return { ...resolved, config }
}

function ownersVariables(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => OWNERS_VARIABLES.test(name)))
}
