#!/usr/bin/env node
/** The program `etl3`. */
import { EXIT_DONE, EXIT_READER_GONE, EXIT_UNEXPECTED, exitCodeOfSignal, outputError } from './exit-codes.js'
import { processIo, type SignalName } from './io.js'

/** Whoever stopped a command does not wait until somebody reads what it has printed. */
const FLUSH_AFTER_SIGNAL_MS = 500

// Before the commands are loaded, which takes a second on a busy machine: whoever stops one in that time gets the same
// answer as later.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A command that listens itself knows what is to be done first.
    if (process.listenerCount(signal) > 1) return
    process.stderr.write(`stopped: ${signal}\n`)
    process.exit(exitCodeOfSignal(signal))
  })
}

const argv = process.argv.slice(2)
const io = processIo()

let unwritten: Error | undefined
process.stdout.on('error', (error: Error) => {
  unwritten ??= error
})
// Nobody can be told anything any more.
process.stderr.on('error', () => process.exit(EXIT_READER_GONE))

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    void failed(error)
      .catch((unreported: unknown) => lastWord(error, unreported))
      .then((code) => process.exit(code))
  })
}

const { main } = await import('./command-line.js')
const code = await main(argv, io)
process.exitCode = code
await flushed(process.stdout, isSignalled(code) ? FLUSH_AFTER_SIGNAL_MS : undefined)
await flushed(process.stderr, FLUSH_AFTER_SIGNAL_MS)
if (unwritten && code === EXIT_DONE) process.exitCode = await failed(outputError(unwritten))
// A closed connection to Temporal keeps the process for another half second.
process.exit()

/** Reports what went wrong outside of a command. */
async function failed(error: unknown): Promise<number> {
  const record = {
    exitCode: EXIT_UNEXPECTED,
    terminal: undefined,
    logger: undefined,
    logFile: undefined,
    failed: false,
    resultBegun: unwritten !== undefined,
    failureFields: {},
  }
  const { reportFailure } = await import('./report-failure.js')
  return await reportFailure(error, { argv, io, record })
}

/** What is left to say where even the report cannot be loaded: an installation that lacks files. */
function lastWord(error: unknown, unreported: unknown): number {
  for (const each of new Set([error, unreported].map(String))) process.stderr.write(`${JSON.stringify(each)}\n`)
  process.stderr.write('hint: Install etl3 again; files of it are missing or damaged.\n')
  return EXIT_UNEXPECTED
}

function isSignalled(exitCode: number): boolean {
  return (['SIGINT', 'SIGTERM'] satisfies SignalName[]).some((signal) => exitCodeOfSignal(signal) === exitCode)
}

async function flushed(stream: NodeJS.WriteStream, atMostMs: number | undefined): Promise<void> {
  const taken = new Promise<void>((resolve) => {
    stream.write('', () => resolve())
  })
  if (atMostMs === undefined) return await taken
  await Promise.race([taken, new Promise((resolve) => setTimeout(resolve, atMostMs))])
}
