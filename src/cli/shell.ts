/**
 * What every command shares: flags, streams, configuration, log, and the one way from an error to an exit code.
 * A command's module exports `register<Name>(program, shell)` and imports what is heavy inside its handler.
 *
 * ```ts
 * export function registerDev(program: Command, shell: CliShell): void {
 *   const command = shell.command(program, { name: 'dev', summary: 'Server, Web UI and worker in the foreground.' })
 *   shell.configOptions(command).option('--port <port>', 'port of the server')
 *   shell.action(command, async (call) => {
 *     const { config } = await call.loadConfig()
 *     call.notice('starting')
 *     call.result({ address }, `Temporal at ${address}`)
 *     return EXIT_DONE
 *   })
 * }
 * ```
 */
import { type Command, Option } from 'commander'
import type { FlagValue, ResolvedConfig } from '../config/load.js'
import type { Logger, LogOrigin } from '../runtime/logging.js'
import { EXIT_DONE } from './exit-codes.js'
import type { CliIo, SignalName } from './io.js'
import { jsonText } from './output/json-text.js'
import { type Palette, paletteFor } from './output/palette.js'
import { Terminal } from './output/terminal.js'
import type { CliServices } from './services.js'

/** How results are printed. */
export type OutputFormat = 'text' | 'json' | 'csv' | 'parquet'

/** What a command is called and says of itself. */
export interface CommandSpec {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** The text above the flags in the command's own help. Default: the summary. */
  readonly description?: string
  /** What `--yes` does, for the help. False: nothing; it is taken all the same, and not shown. Default: false */
  readonly asks?: string | false
  /** Values of `--output`; the first is the default. A single one is not shown in the help. Default: text, json. */
  readonly formats?: readonly OutputFormat[]
  /** Calls that work as they stand, for the end of the command's help. */
  readonly examples?: readonly CommandExample[]
}

/** One call of a command, and what it is good for. */
export interface CommandExample {
  /** As it is typed, with the program's name: `etl3 plan --explain`. */
  readonly call: string
  readonly purpose: string
}

/** One call of a command. */
export interface CliCall {
  readonly io: CliIo
  /** Positional arguments. */
  readonly args: readonly string[]
  /** The flags by commander's names (`chunkSize`), as typed by commander. */
  readonly options: Readonly<Record<string, unknown>>
  readonly format: OutputFormat
  readonly quiet: boolean
  readonly verbose: boolean
  /** `--yes`: do it without asking. */
  readonly yes: boolean
  readonly terminal: Terminal
  /** Colours for stdout (none where it is not a terminal, or NO_COLOR is set). */
  readonly palette: Palette
  /** Columns that a line on stdout may take: those of the terminal, and any number where it is none. */
  readonly columns: number

  /**
   * The configuration by flags, ETL3_* variables, environment section, file and defaults. Says it when built-in
   * defaults are used for want of a file.
   * @throws ConfigError with all problems at once
   */
  loadConfig(): Promise<ResolvedConfig>
  /** The log of this process: JSON lines in the configured file, readable lines on stderr. One per call. */
  logger(resolved: ResolvedConfig, origin: LogOrigin): Promise<Logger>
  /** Prints the result on stdout: `value` as one JSON object, or `text` (a final newline is added where it is missing). */
  result(value: unknown, text: string | (() => string)): void
  /** Says that a result begins to come on stdout: should the command fail from now on, it prints no JSON there. */
  resultBegins(): void
  /** One line for the person at the terminal, on stderr; not under `--quiet`. */
  notice(line: string): void
  /** A warning on stderr, also under `--quiet`. */
  warn(line: string): void
  /** Calls `handler` at each SIGINT or SIGTERM until the returned function is called or the command ends. */
  onSignal(handler: (signal: SignalName) => void): () => void
  /** Adds fields to what `-o json` prints should the command fail from now on, e.g. the workflow id. */
  onFailurePrint(fields: Readonly<Record<string, unknown>>): void
}

/** Runs a command; answers its exit code (nothing: 0). Thrown errors become messages and exit codes in one place. */
export type CommandHandler = (call: CliCall) => Promise<number | undefined> | Promise<void>

/** What `register<Name>` functions get. */
export interface CliShell {
  readonly io: CliIo
  /** The machinery behind the commands; tests bring their own. */
  readonly services: CliServices
  /** Adds a command with the flags that all commands have. */
  command(parent: Command, spec: CommandSpec): Command
  /**
   * Adds the flags that shape the configuration: `--config`, `--environment`, `--chunk-size` … All of them are taken;
   * the help shows those that change what the command does.
   * @param counting flags for single values that count. Default: all
   */
  configOptions(command: Command, counting?: readonly ConfigFlag[]): Command
  /** The same, and the flags of commands that come to the quality gate: `--fail-on`. */
  gateOptions(command: Command): Command
  /** Sets what the command does. */
  action(command: Command, handler: CommandHandler): Command
}

/** Flags that stand for one configuration key each. */
const CONFIG_FLAGS = [
  {
    flag: '--chunk-size',
    placeholder: '<rows>',
    option: 'chunkSize',
    key: 'processing.chunk_size',
    summary: 'enriched rows between two heartbeats and memory checks',
  },
  {
    flag: '--memory-limit',
    placeholder: '<mb>',
    option: 'memoryLimit',
    key: 'processing.memory_limit_mb',
    summary: 'memory in MB that all worker processes together may take, or the query',
  },
  {
    flag: '--max-workers',
    placeholder: '<n>',
    option: 'maxWorkers',
    key: 'processing.max_workers',
    summary: 'worker processes that share the memory limit',
  },
  {
    flag: '--audit',
    placeholder: '<full|sample>',
    option: 'audit',
    key: 'processing.audit',
    summary: 'how much of what was written is read again before publishing',
  },
] as const

/** A flag for one value of the configuration. */
export type ConfigFlag = (typeof CONFIG_FLAGS)[number]['flag']

/** The same, of the commands that come to the quality gate. */
const GATE_FLAGS = [
  {
    flag: '--fail-on',
    placeholder: '<error|warn>',
    option: 'failOn',
    key: 'data_quality.fail_on',
    summary: 'which violated quality rules stop the run before anything is published (warn: exit code 4)',
  },
] as const

/** What a call leaves behind for whoever reports its end. */
export interface CallRecord {
  exitCode: number
  /** Set as soon as a command is called. */
  terminal: Terminal | undefined
  /** Set as soon as the command has opened its log. */
  logger: Logger | undefined
  /** Where the log is, once that is known. */
  logFile: string | undefined
  /** Set once the command has failed; from then on the log goes to its file only. */
  failed: boolean
  /** Set once a part of the result is on stdout: a failure is told on stderr only, where it does not look like more of it. */
  resultBegun: boolean
  /** Fields that `-o json` prints beside the error. */
  failureFields: Readonly<Record<string, unknown>>
}

/** Makes the shell for one run of the command line. */
export function createShell(io: CliIo, services: CliServices, record: CallRecord): CliShell {
  const configOptions = (command: Command, counting?: readonly ConfigFlag[]): Command => {
    command
      .option(
        '-c, --config <file>',
        'configuration file (default: config/etl3.yaml here or in a folder above, else built-in values)',
      )
      .option('-e, --environment <name>', 'section of the file under "environments" that overrides the rest')
    for (const { flag, placeholder, summary } of CONFIG_FLAGS) {
      command.addOption(new Option(`${flag} ${placeholder}`, summary).hideHelp(counting?.includes(flag) === false))
    }
    return command
  }
  return {
    io,
    services,
    command(parent, spec) {
      const formats = spec.formats ?? ['text', 'json']
      return parent
        .command(spec.name)
        .summary(spec.summary)
        .description(paragraphs(spec.description ?? spec.summary))
        .addOption(
          new Option('-o, --output <format>', 'form of the result')
            .choices(formats)
            .default(formats[0])
            .hideHelp(formats.length === 1),
        )
        .option('-q, --quiet', 'no progress and no notices, only the result and errors')
        .option('-v, --verbose', 'log lines on the terminal, and stacks of unexpected errors')
        .addOption(new Option('--color <when>', 'colors').choices(['auto', 'always', 'never']).default('auto'))
        .addOption(new Option('-y, --yes', spec.asks || 'changes nothing here').hideHelp(!spec.asks))
        .addHelpText('after', examplesText(spec.examples ?? []))
    },
    configOptions,
    gateOptions(command) {
      configOptions(command)
      for (const flag of GATE_FLAGS) command.option(`${flag.flag} ${flag.placeholder}`, flag.summary)
      return command
    },
    action(command, handler) {
      return command.action(async () => {
        const call = openCall(io, command, record)
        try {
          record.exitCode = (await handler(call)) ?? EXIT_DONE
        } finally {
          call.releaseSignals()
        }
      })
    },
  }
}

function openCall(io: CliIo, command: Command, record: CallRecord): CliCall & { releaseSignals(): void } {
  const options: Readonly<Record<string, unknown>> = command.opts()
  const quiet = options['quiet'] === true
  const verbose = options['verbose'] === true
  const color = options['color']
  const format = formatOf(options['output'])
  const terminal = new Terminal(io.stderr, paletteFor(color, io.stderr, io.env))
  record.terminal = terminal
  const releases = new Set<() => void>()

  return {
    io,
    args: command.args,
    options,
    format,
    quiet,
    verbose,
    yes: options['yes'] === true,
    terminal,
    palette: paletteFor(color, io.stdout, io.env),
    columns: io.stdout.isTTY === true ? (io.stdout.columns ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,

    async loadConfig() {
      const { loadConfig } = await import('../config/load.js')
      const resolved = loadConfig({
        file: textOf(options['config']),
        environment: textOf(options['environment']),
        env: io.env,
        flags: configFlags(options),
      })
      record.logFile = resolved.config.logging.file
      if (!quiet) for (const notice of resolved.notices) terminal.notice(notice)
      return resolved
    },

    async logger(resolved, origin) {
      if (record.logger) return record.logger
      const { createLogger } = await import('../runtime/logging.js')
      record.logger = createLogger({
        ...resolved.config.logging,
        origin,
        terminal: {
          write: (line) => {
            // What the command failed with is said by reportFailure, once.
            if (!record.failed) terminal.line(line)
          },
          level: verbose ? 'debug' : quiet ? 'error' : 'warn',
        },
      })
      return record.logger
    },

    result(value, text) {
      if (format === 'json') io.stdout.write(jsonText(value))
      else {
        const body = typeof text === 'string' ? text : text()
        io.stdout.write(body === '' || body.endsWith('\n') ? body : `${body}\n`)
      }
    },
    resultBegins() {
      record.resultBegun = true
    },
    notice(line) {
      if (!quiet) terminal.notice(line)
    },
    warn(line) {
      terminal.warn(line)
    },
    onSignal(handler) {
      const off = [io.onSignal('SIGINT', () => handler('SIGINT')), io.onSignal('SIGTERM', () => handler('SIGTERM'))]
      const release = (): void => {
        for (const one of off) one()
        releases.delete(release)
      }
      releases.add(release)
      return release
    },
    onFailurePrint(fields) {
      record.failureFields = { ...record.failureFields, ...fields }
    },
    releaseSignals() {
      for (const release of [...releases]) release()
    },
  }
}

/**
 * Lines of a source are no lines of a terminal: within a paragraph, the terminal's width decides. Indented lines stay, and
 * so does what follows them.
 */
function paragraphs(text: string): string {
  return text.replace(/(?<=^\S.*)\n(?=\S)/gm, ' ')
}

function examplesText(examples: readonly CommandExample[]): string {
  if (examples.length === 0) return ''
  const lines = examples.flatMap(({ call, purpose }) => [`  # ${purpose}`, `  ${call}`])
  return ['', 'Examples:', ...lines].join('\n')
}

function configFlags(options: Readonly<Record<string, unknown>>): FlagValue[] {
  const values: FlagValue[] = []
  for (const { flag, option, key } of [...CONFIG_FLAGS, ...GATE_FLAGS]) {
    const value = textOf(options[option])
    if (value !== undefined) values.push({ flag, key, value })
  }
  return values
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function formatOf(value: unknown): OutputFormat {
  return value === 'json' || value === 'csv' || value === 'parquet' ? value : 'text'
}
