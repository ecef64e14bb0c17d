/** One line of what `etl3 doctor` reports. */
import { Etl3Error, EXIT_CODES, messageOf } from '../../runtime/errors.js'

/** How a check ended. */
export type Verdict = 'ok' | 'warn' | 'fail'

/** One line of the report. */
export interface Finding {
  readonly check: string
  readonly verdict: Verdict
  /** What was found. */
  readonly detail: string
  /** The way to mend it. */
  readonly hint?: string
  /** Exit code of the command when this fails. */
  readonly exitCode?: number
}

/** Everything is as it should be. */
export function ok(check: string, detail: string): Finding {
  return { check, verdict: 'ok', detail }
}

/** A run can start, but should not surprise anybody later. */
export function warn(check: string, detail: string, hint: string): Finding {
  return { check, verdict: 'warn', detail, hint }
}

/** A run cannot start, or will not end well. */
export function fail(check: string, detail: string, hint: string): Finding {
  return { check, verdict: 'fail', detail, hint, exitCode: EXIT_CODES.ConfigError }
}

/** A check that met an error. */
export function failed(check: string, error: unknown): Finding {
  if (!(error instanceof Etl3Error)) {
    return {
      check,
      verdict: 'fail',
      detail: messageOf(error),
      exitCode: EXIT_CODES.ConfigError,
    }
  }
  const { message, hint, exitCode } = error
  return { check, verdict: 'fail', detail: message.trim(), exitCode, ...(hint === undefined ? {} : { hint }) }
}

/** Makes a check; one that throws has failed. It may find nothing to say. */
export async function attempt<F extends Finding | undefined>(
  check: string,
  look: () => Promise<F>,
): Promise<F | Finding> {
  try {
    return await look()
  } catch (error) {
    return failed(check, error)
  }
}
