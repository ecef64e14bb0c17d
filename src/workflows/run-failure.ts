/** How a run ended before its end, as people read it. */
import { ApplicationFailure, isCancellation } from '@temporalio/workflow'

/** Why a run ended before its end. */
export interface RunFailure {
  readonly outcome: 'failed' | 'cancelled'
  /** What went wrong; data values may stand in it. */
  readonly message: string
  /** Where it stands in docs/errors.md: `ETL3-IN-01`. */
  readonly code: string | undefined
  /** The way out. */
  readonly hint: string | undefined
}

/** The failure behind what an activity threw, as src/activities/scope.ts packs it. */
export function failureOf(error: unknown): RunFailure {
  const outcome = isCancellation(error) ? 'cancelled' : 'failed'
  if (!(error instanceof Error)) return { outcome, message: String(error), code: undefined, hint: undefined }
  const thrown = !(error instanceof ApplicationFailure) && error.cause instanceof Error ? error.cause : error
  const details: unknown = thrown instanceof ApplicationFailure ? thrown.details?.[0] : undefined
  return { outcome, message: thrown.message, code: textIn(details, 'code'), hint: textIn(details, 'hint') }
}

function textIn(details: unknown, name: 'code' | 'hint'): string | undefined {
  if (typeof details !== 'object' || details === null) return undefined
  const value: unknown = Object.entries(details).find(([key]) => key === name)?.[1]
  return typeof value === 'string' ? value : undefined
}
