/**
 * The errors that a person can meet. Pure: workflow code imports it too.
 *
 * Every error has a stable `code` (`ETL3-IN-04`), says what, which value and where, and carries a `hint` with the way
 * out. The class decides the exit code of the command (README, exit codes).
 */

/** What kind of trouble it is; each kind has one exit code. */
export type ErrorKind =
  | 'UsageError'
  | 'ConfigError'
  | 'InputError'
  | 'QualityError'
  | 'QualityWarning'
  | 'UnavailableError'
  | 'ConflictError'
  | 'ResourceError'
  | 'IntegrityError'

/** Exit code of a command that ends with an error of this kind; README has the table. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  UsageError: 2,
  ConfigError: 2,
  InputError: 2,
  QualityError: 3,
  QualityWarning: 4,
  UnavailableError: 5,
  ConflictError: 6,
  ResourceError: 7,
  IntegrityError: 1,
}

/** Kinds that the same attempt, made again, can not mend. The others are worth a retry. */
const FINAL_KINDS: ReadonlySet<ErrorKind> = new Set([
  'UsageError',
  'ConfigError',
  'InputError',
  'QualityError',
  'QualityWarning',
  'ConflictError',
  'IntegrityError',
])

/** Options of an error: the way out, and what caused it. */
export interface Etl3ErrorOptions {
  readonly hint?: string
  readonly cause?: unknown
  /** Whether trying again cannot help. Default: as it is with errors of the kind. */
  readonly final?: boolean
}

/** An error for the person who reads it at night. */
export class Etl3Error extends Error {
  readonly kind: ErrorKind
  /** Stable code, e.g. `ETL3-IN-04`; docs/errors.md lists them. */
  readonly code: string
  /** The way out, one sentence. */
  readonly hint: string | undefined
  /** Whether trying again cannot help. */
  readonly final: boolean

  constructor(kind: ErrorKind, code: string, message: string, options: Etl3ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = kind
    this.kind = kind
    this.code = code
    this.hint = options.hint
    this.final = options.final ?? FINAL_KINDS.has(kind)
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind]
  }
}

/** The command line is wrong (exit 2). */
export class UsageError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('UsageError', code, message, options)
  }
}

/** The configuration is wrong (exit 2). */
export class ConfigError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('ConfigError', code, message, options)
  }
}

/** The input files are wrong (exit 2). */
export class InputError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('InputError', code, message, options)
  }
}

/** A quality rule of severity `error` was violated; nothing was published (exit 3). */
export class QualityError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('QualityError', code, message, options)
  }
}

/** A quality rule of severity `warn` was violated and warnings stop the run; nothing was published (exit 4). */
export class QualityWarning extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('QualityWarning', code, message, options)
  }
}

/** Something that ETL3 depends on does not answer (exit 5). */
export class UnavailableError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('UnavailableError', code, message, options)
  }
}

/** Another run, or another writer, has what this run needs (exit 6). */
export class ConflictError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('ConflictError', code, message, options)
  }
}

/** Memory or disk ran out, or would (exit 7). */
export class ResourceError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('ResourceError', code, message, options)
  }
}

/** What was written is not what was planned; nothing was published (exit 1). */
export class IntegrityError extends Etl3Error {
  constructor(code: string, message: string, options?: Etl3ErrorOptions) {
    super('IntegrityError', code, message, options)
  }
}

/** What a thrown value says. JavaScript can throw anything; what is no error says itself. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** A thrown value as an error: what is none is wrapped. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** The first line of what a thrown value says; engines put statements and stacks below it. */
export function firstLineOf(thrown: unknown): string {
  return messageOf(thrown).split('\n', 1).join('')
}
