/** Who is told that a run ended, and of what (see runtime/notify). A retried activity may tell it twice. */
import type { Config } from '../config/schema.js'
import type { RunEnding } from '../contract/activities.js'
import type { RunResult } from '../contract/messages.js'
import { notify } from '../runtime/notify.js'
import { maskUserinfo } from '../runtime/secrets.js'
import { normalisedUri } from '../runtime/uri.js'
import type { ActivityDeps } from './deps.js'

/** Tells of a run that came to its end. */
export async function notifyResult(
  config: Config,
  result: RunResult,
  { env, log }: ActivityDeps,
  signal: AbortSignal,
): Promise<void> {
  if (config.notify.on.some((status) => status === result.status))
    await notify(config.notify, result, { env, log, signal })
}

/** Tells of a run that failed or was cancelled. */
export async function notifyFailure(
  config: Config,
  { runId, workflowId, outcome, message, code }: RunEnding & { readonly runId?: string; readonly workflowId: string },
  { env, log }: ActivityDeps,
  signal: AbortSignal,
): Promise<void> {
  if (!config.notify.on.includes(outcome)) return
  const failure = {
    formatVersion: 1,
    runId,
    workflowId,
    status: outcome,
    // The same text as in the result of a run that published.
    outputUri: maskUserinfo(normalisedUri(config.output.uri)),
    error: { ...(code === undefined ? {} : { code }), message: maskUserinfo(message) },
  }
  await notify(config.notify, failure, { env, log, signal })
}
