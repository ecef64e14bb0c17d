/** How a command that failed ends: one message, one hint, one exit code; a stack only in the log or under --verbose. */
import { CommanderError } from 'commander'
import { Etl3Error, messageOf, UsageError } from '../runtime/errors.js'
import { fileSystemError } from '../runtime/file-system-error.js'
import { plainText } from '../runtime/plain-text.js'
import { maskUserinfo } from '../runtime/secrets.js'
import { systemMemoryError } from '../runtime/system-memory.js'
import { exitCodeOf, Interrupted, ReaderGone } from './exit-codes.js'
import { etl3ErrorIn, type FailureReport, UNEXPECTED_CODE, unforeseenIn } from './failure.js'
import type { CliIo } from './io.js'
import { jsonText } from './output/json-text.js'
import { paletteFor } from './output/palette.js'
import type { CallRecord } from './shell.js'

/** The call that failed. */
export interface FailedCall {
  readonly argv: readonly string[]
  readonly io: CliIo
  readonly record: CallRecord
}

/**
 * Says on stderr what went wrong, and under `-o json` on stdout as well; writes it to the log with its stack.
 * @returns the exit code
 */
export async function reportFailure(thrown: unknown, call: FailedCall): Promise<number> {
  const { argv, io, record } = call
  record.failed = true
  // As a tool that SIGPIPE ends: nobody is there to be told.
  if (thrown instanceof ReaderGone) return exitCodeOf(thrown)
  const error = namedError(thrown)
  const logFile = await writeToLog(thrown, error, record)
  const report = reportOf(error, logFile)

  if (wantsJson(argv) && !record.resultBegun) {
    const object = { formatVersion: 1, status: 'failed', ...record.failureFields, error: report }
    io.stdout.write(jsonText(object))
  }
  const palette = record.terminal?.palette ?? paletteFor('auto', io.stderr, io.env)
  const [first = '', ...rest] = report.message.split('\n').map((line) => plainText(line))
  const code = report.kind === 'Interrupted' ? '' : ` [${report.code}]`
  io.stderr.write(`${palette.red(`${report.kind === 'Interrupted' ? 'stopped' : 'error'}:`)} ${first}${code}\n`)
  for (const line of rest) io.stderr.write(`${line}\n`)
  if (report.hint !== undefined) io.stderr.write(`${palette.bold('hint:')} ${plainText(report.hint)}\n`)
  if (isVerbose(argv) && error instanceof Error && !(error instanceof Interrupted)) writeStack(thrown, io)
  return exitCodeOf(error)
}

function namedError(thrown: unknown): unknown {
  if (thrown instanceof CommanderError) return usageErrorOf(thrown)
  return etl3ErrorIn(thrown) ?? fileSystemError(thrown) ?? systemMemoryError(thrown) ?? thrown
}

/** What is said of an error. */
function reportOf(error: unknown, logFile: string | undefined): FailureReport {
  if (error instanceof Etl3Error) {
    const message = maskUserinfo(error.message)
    return { kind: error.kind, code: error.code, message, ...(error.hint === undefined ? {} : { hint: error.hint }) }
  }
  if (error instanceof Interrupted) {
    return { kind: 'Interrupted', code: `ETL3-${error.signal}`, message: error.message }
  }
  const message = maskUserinfo(unforeseenIn(error)).split('\n', 1).join('')
  return {
    kind: 'Unexpected',
    code: UNEXPECTED_CODE,
    message: `unexpected: ${message === '' ? 'an error without a message' : message}`,
    hint:
      logFile === undefined
        ? 'Run it again with --verbose to see where it happened.'
        : `${logFile} says where it happened; --verbose shows it here.`,
  }
}

/** The log that the error was written to; undefined when there is none. */
async function writeToLog(thrown: unknown, error: unknown, record: CallRecord): Promise<string | undefined> {
  // A wrong command line or configuration needs no log, and there may be no place for one.
  if (error instanceof Interrupted) return undefined
  if (error instanceof Etl3Error && !record.logger) return undefined
  try {
    const logger = record.logger ?? (await openLog(record))
    logger.error(messageOf(thrown), { error: thrown })
    return record.logFile
  } catch {
    return undefined
  }
}

async function openLog(record: CallRecord): Promise<NonNullable<CallRecord['logger']>> {
  const [{ configSchema }, { createLogger }] = await Promise.all([
    import('../config/schema.js'),
    import('../runtime/logging.js'),
  ])
  const { logging } = configSchema.parse({})
  record.logFile ??= logging.file
  return createLogger({ ...logging, file: record.logFile, origin: 'cli' })
}

function usageErrorOf(error: CommanderError): UsageError {
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  if (error.code === 'commander.help') {
    return new UsageError('ETL3-CL-01', 'a command is missing', { hint: "'etl3 help' lists the commands." })
  }
  const meant = /Did you mean (.*)\?\)/.exec(suggestion ?? '')?.[1]
  return new UsageError('ETL3-CL-01', what, {
    hint: meant === undefined ? "'etl3 help <command>' lists the flags." : `Did you mean ${meant}?`,
    cause: error,
  })
}

function writeStack(error: unknown, io: CliIo): void {
  let link: unknown = error
  while (link instanceof Error) {
    for (const line of (link.stack ?? String(link)).split('\n')) io.stderr.write(`${plainText(maskUserinfo(line))}\n`)
    link = link.cause
    if (link instanceof Error) io.stderr.write('caused by:\n')
  }
}

// The flags may be what is wrong, so they are looked up in the words themselves.
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      word === '--output=json' ||
      word === '-ojson' ||
      (word === 'json' && (argv[index - 1] === '-o' || argv[index - 1] === '--output')),
  )
}

function isVerbose(argv: readonly string[]): boolean {
  return argv.includes('--verbose') || argv.includes('-v')
}
