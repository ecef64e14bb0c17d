/** The command line: which commands there are, and how a call of one ends. */
import { Command, CommanderError } from 'commander'
import { VERSION } from '../runtime/version.js'
import { registerCompletion } from './completion.js'
import { registerConfig } from './config.js'
import { registerDev } from './dev.js'
import { registerDoctor } from './doctor.js'
import { EXIT_DONE } from './exit-codes.js'
import { registerExplore } from './explore.js'
import { registerExportDictionary } from './export-dictionary.js'
import { registerIamPolicy } from './iam-policy.js'
import { registerInit } from './init.js'
import type { CliIo } from './io.js'
import { registerMemoryTest } from './memory-test.js'
import { registerPlan } from './plan.js'
import { registerQuery } from './query.js'
import { registerReport } from './report.js'
import { reportFailure } from './report-failure.js'
import { registerResume } from './resume.js'
import { registerRun } from './run.js'
import { registerSchedule } from './schedule.js'
import { type CliServices, realServices } from './services.js'
import { type CallRecord, createShell } from './shell.js'
import { registerShow } from './show.js'
import { registerStatus } from './status.js'
import { registerVacuum } from './vacuum.js'
import { registerValidate } from './validate.js'
import { registerWhy } from './why.js'
import { registerWorker } from './worker.js'

const EXIT_CODES_HELP = `
Exit codes:
  0    done, warnings included
  1    unexpected error, or a check of ETL3's own work failed
  2    usage, configuration or input
  3    quality error, nothing was published
  4    quality warnings under --fail-on warn, nothing was published
  5    something that ETL3 depends on does not answer
  6    conflict with another run or writer
  7    memory or disk
  130  interrupted (Ctrl-C), or the run was cancelled
  141  whoever read the output has gone (| head)
  143  ended by SIGTERM, or the run was terminated`

/**
 * Runs one command.
 * @param argv the arguments after the program's name
 * @param services the machinery; tests bring their own
 * @returns the exit code; nothing is thrown
 */
export async function main(
  argv: readonly string[],
  io: CliIo,
  services: CliServices = realServices(io.env),
): Promise<number> {
  const record: CallRecord = {
    exitCode: EXIT_DONE,
    terminal: undefined,
    logger: undefined,
    logFile: undefined,
    failed: false,
    resultBegun: false,
    failureFields: {},
  }
  try {
    await buildProgram(io, services, record).parseAsync([...argv], { from: 'user' })
    return record.exitCode
  } catch (thrown) {
    record.terminal?.live([])
    if (thrown instanceof CommanderError && thrown.exitCode === EXIT_DONE) return EXIT_DONE
    return await reportFailure(thrown, { argv, io, record })
  }
}

/** All commands on one program. */
export function buildProgram(io: CliIo, services: CliServices, record: CallRecord): Command {
  const program = new Command('etl3')
    .description('Enriches a star schema of negotiated healthcare rates into one partitioned, query-ready table.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', EXIT_CODES_HELP)
  const shell = createShell(io, services, record)
  registerInit(program, shell)
  registerRun(program, shell)
  registerResume(program, shell)
  registerPlan(program, shell)
  registerValidate(program, shell)
  registerStatus(program, shell)
  registerReport(program, shell)
  registerExplore(program, shell)
  registerQuery(program, shell)
  registerShow(program, shell)
  registerWhy(program, shell)
  registerVacuum(program, shell)
  registerDev(program, shell)
  registerWorker(program, shell)
  registerDoctor(program, shell)
  registerMemoryTest(program, shell)
  registerConfig(program, shell)
  registerSchedule(program, shell)
  registerExportDictionary(program, shell)
  registerCompletion(program, shell)
  registerIamPolicy(program, shell)
  for (const command of withSubcommands(program)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // What is wrong is said once, by reportFailure, with code and hint.
      outputError: () => {},
    })
  }
  return program
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}
