/** The exit codes that README lists, in one place. Errors bring their own by kind: see `EXIT_CODES` in runtime/errors. */
import { Etl3Error } from '../runtime/errors.js'
import { fileSystemError } from '../runtime/file-system-error.js'
import type { SignalName } from './io.js'

/** Done, warnings included. */
export const EXIT_DONE = 0
/** Something that nobody foresaw. */
export const EXIT_UNEXPECTED = 1

/** Whoever read the output has gone (`| head`): as with a tool that SIGPIPE ends, 128 + 13, and without a word. */
export const EXIT_READER_GONE = 141

const SIGNAL_EXIT_CODES: Readonly<Record<SignalName, number>> = { SIGINT: 130, SIGTERM: 143 }

/** The command stopped because of a signal; what it started may go on. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor(
    readonly signal: SignalName,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Nobody reads the output any more. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone'
}

/**
 * Why stdout could not be written, as an error to end with.
 * @returns ReaderGone for a closed pipe, `ETL3-DK-01` for a full disk
 */
export function outputError(cause: Error): Error {
  if ('code' in cause && cause.code === 'EPIPE') return new ReaderGone('the reader has gone', { cause })
  return fileSystemError(cause, 'standard output') ?? cause
}

/** Exit code of a command that a signal ended. */
export function exitCodeOfSignal(signal: SignalName): number {
  return SIGNAL_EXIT_CODES[signal]
}

/** Exit code of a command that ended with `error`. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Etl3Error) return error.exitCode
  if (error instanceof ReaderGone) return EXIT_READER_GONE
  if (error instanceof Interrupted) return exitCodeOfSignal(error.signal)
  return EXIT_UNEXPECTED
}
