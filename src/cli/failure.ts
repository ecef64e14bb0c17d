/**
 * From whatever was thrown to what a person reads and which code the command exits with. Failures of a workflow come
 * back as they were thrown in an activity: kind, code, message and hint travel in the failure's type and details.
 */
import { type ErrorKind, Etl3Error, EXIT_CODES, messageOf, UnavailableError } from '../runtime/errors.js'

/** What a command says when it fails; `error` of `-o json`. */
export interface FailureReport {
  readonly kind: ErrorKind | 'Interrupted' | 'Unexpected'
  /** Stable code; `ETL3-XX-00` where nobody foresaw the error. */
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** Code of errors that nobody foresaw. */
export const UNEXPECTED_CODE = 'ETL3-XX-00'

/** Causes deeper than this are not looked at. */
const DEEPEST_CAUSE = 20

/**
 * The error that a failure of Temporal's client carries, as if it had happened here: the first ApplicationFailure of
 * the cause chain whose type is one of our kinds, or an activity that timed out. Undefined for anything else.
 */
export function etl3ErrorIn(error: unknown): Etl3Error | undefined {
  let link = error
  for (let depth = 0; depth < DEEPEST_CAUSE && link instanceof Error; depth++) {
    if (link instanceof Etl3Error) return link
    const kind = 'type' in link ? link.type : undefined
    if (isErrorKind(kind)) {
      const { code, hint } = detailsOf(link)
      return new Etl3Error(kind, code ?? UNEXPECTED_CODE, link.message, {
        ...(hint === undefined ? {} : { hint }),
        cause: error,
      })
    }
    if (link.name === 'TimeoutFailure') return silentStep(stepOf(error), error)
    link = link.cause
  }
  return undefined
}

/** What Temporal's client wraps a failure in: they say only that a workflow failed, or that its activity did. */
const WRAPPINGS: ReadonlySet<string> = new Set(['WorkflowFailedError', 'ActivityFailure'])

/** What went wrong where nobody foresaw it: the message that was thrown, behind the name of the step if one threw it. */
export function unforeseenIn(error: unknown): string {
  let link = error
  for (let depth = 0; depth < DEEPEST_CAUSE && link instanceof Error && WRAPPINGS.has(link.name); depth++) {
    link = link.cause ?? link
  }
  const step = stepOf(error)
  return `${step === undefined ? '' : `${step}: `}${messageOf(link)}`
}

/** The server gave up on an activity: its last attempt sent no heartbeat, or nobody took it. */
function silentStep(step: string | undefined, cause: unknown): Etl3Error {
  return new UnavailableError(
    'ETL3-RT-04',
    `the step ${step ?? 'that ran'} gave no sign of life until its last attempt`,
    {
      hint: "See the worker's log, then run again: what is finished is kept.",
      cause,
    },
  )
}

function stepOf(error: unknown): string | undefined {
  let link = error
  for (let depth = 0; depth < DEEPEST_CAUSE && link instanceof Error; depth++) {
    if ('activityType' in link && typeof link.activityType === 'string') return link.activityType
    link = link.cause
  }
  return undefined
}

/** Whether a workflow ended because somebody cancelled it. */
export function isCancellation(error: unknown): boolean {
  return hasCause(error, 'CancelledFailure')
}

/** Whether a workflow ended because somebody terminated it. */
export function isTermination(error: unknown): boolean {
  return hasCause(error, 'TerminatedFailure')
}

// By name, because importing Temporal's classes costs a third of a second and most errors never met Temporal.
function hasCause(error: unknown, name: string): boolean {
  let link = error
  for (let depth = 0; depth < DEEPEST_CAUSE && link instanceof Error; depth++) {
    if (link.name === name) return true
    link = link.cause
  }
  return false
}

function isErrorKind(value: unknown): value is ErrorKind {
  return typeof value === 'string' && Object.hasOwn(EXIT_CODES, value)
}

function detailsOf(failure: Error): { code?: string; hint?: string } {
  const details: unknown = 'details' in failure ? failure.details : undefined
  const first: unknown = Array.isArray(details) ? details[0] : undefined
  if (typeof first !== 'object' || first === null) return {}
  const code = 'code' in first ? first.code : undefined
  const hint = 'hint' in first ? first.hint : undefined
  return { ...(typeof code === 'string' ? { code } : {}), ...(typeof hint === 'string' ? { hint } : {}) }
}
