/**
 * The log: JSON lines in a file for machines, readable lines on the terminal for people. Secrets are masked in both,
 * control sequences are made visible on the terminal (JSON escapes them by itself).
 */
import { pino } from 'pino'
import { messageOf } from './errors.js'
import { plainText } from './plain-text.js'
import { RotatedFile } from './rotated-file.js'
import { maskSecrets, maskUserinfo } from './secrets.js'

/** Levels of the configuration, lowest first. */
const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** How grave a line is. */
export type LogLevel = (typeof LEVELS)[number]

/** Which process writes: `cli`, `worker`, `dev` … Stands in each line, because several write to one file. */
export type LogOrigin = string

/** What a line tells besides its message. An `error` of class Error is written with its stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>

/** A log. Its shape is also that of Temporal's `Logger`, so it can be handed to the SDK's Runtime. */
export interface Logger {
  log(level: 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR', message: string, fields?: LogFields): void
  trace(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log that adds these fields to each line. */
  child(fields: LogFields): Logger
}

/** Where readable lines go. */
export interface LogTerminal {
  /** Takes one line without its newline. */
  write(line: string): void
  /** Lowest level that is shown. */
  readonly level: LogLevel
}

/** The `logging` section of the configuration, and who writes. */
export interface LoggerOptions {
  readonly file: string
  /** Lowest level that is written to the file. */
  readonly level: LogLevel
  readonly max_size_mb: number
  /** How many rotated files stay. */
  readonly keep: number
  readonly origin: LogOrigin
  readonly terminal?: LogTerminal
}

/**
 * Opens the log. A file that cannot be written (read-only folder, full disk) is said once on the terminal and never
 * stops the work.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { terminal } = options
  let file: RotatedFile | undefined
  const giveUp = (error: unknown): void => {
    file = undefined
    const reason = messageOf(error)
    terminal?.write(plainText(`warning: the log file cannot be written, going on without it [${reason}]`))
  }
  try {
    file = new RotatedFile({ file: options.file, maxBytes: options.max_size_mb * 1024 * 1024, keep: options.keep })
  } catch (error) {
    giveUp(error)
  }

  const json = pino(
    {
      level: options.level,
      base: { origin: options.origin, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string) {
        try {
          file?.write(line)
        } catch (error) {
          giveUp(error)
        }
      },
    },
  )
  return loggerOf({}, (level, message, fields) => {
    const masked = maskSecrets(withPlainErrors(fields))
    json[level](masked, maskUserinfo(message))
    if (terminal && LEVELS.indexOf(level) >= LEVELS.indexOf(terminal.level)) {
      terminal.write(readableLine(level, message, masked))
    }
  })
}

/** A log that goes nowhere. */
export const SILENT_LOGGER: Logger = loggerOf({}, () => {})

type Sink = (level: LogLevel, message: string, fields: LogFields) => void

function loggerOf(bound: LogFields, sink: Sink): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void =>
      sink(level, message, { ...bound, ...fields })
  const logger = { trace: at('debug'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return {
    ...logger,
    log(level, message, fields) {
      if (level === 'WARN') logger.warn(message, fields)
      else if (level === 'ERROR') logger.error(message, fields)
      else if (level === 'INFO') logger.info(message, fields)
      else logger.debug(message, fields)
    },
    child: (fields) => loggerOf({ ...bound, ...fields }, sink),
  }
}

/** Errors as plain fields, so that they can be masked and written like any other. */
function withPlainErrors(fields: LogFields): LogFields {
  const plain: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) plain[key] = value instanceof Error ? plainError(value) : value
  return plain
}

interface PlainError {
  readonly name: string
  readonly message: string
  readonly code?: unknown
  readonly stack?: string
  readonly cause?: unknown
}

/** Causes deeper than this say nothing more. */
const DEEPEST_CAUSE = 8

function plainError(error: Error, depth = 0): PlainError {
  return {
    name: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined
      ? {}
      : {
          cause:
            error.cause instanceof Error && depth < DEEPEST_CAUSE
              ? plainError(error.cause, depth + 1)
              : String(error.cause),
        }),
  }
}

/** One line for a person: level, message, then the fields that fit on a line; nested ones stand in the file. */
function readableLine(level: LogLevel, message: string, fields: LogFields): string {
  const parts: string[] = []
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      parts.push(`${key}=${value}`)
    } else if (typeof value === 'object' && value !== null && 'message' in value) {
      parts.push(`${key}=${String(value.message)}`)
    }
  }
  const tail = parts.length === 0 ? '' : ` [${parts.join(', ')}]`
  return plainText(maskUserinfo(`${level}: ${message}${tail}`))
}
