#!/usr/bin/env node
/** The program `etl3`. */
import { main } from './command-line.js'
import { EXIT_UNEXPECTED } from './exit-codes.js'
import { processIo } from './io.js'
import { reportFailure } from './report-failure.js'

/** After the command is done, connections that somebody forgot may not keep the process alive for longer. */
const LINGER_MS = 2_000

const argv = process.argv.slice(2)
const io = processIo()

// `etl3 query … | head` closes the pipe early; that is no error.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit(0)
  throw error
})

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    const record = {
      exitCode: EXIT_UNEXPECTED,
      terminal: undefined,
      logger: undefined,
      logFile: undefined,
      failed: false,
      failureFields: {},
    }
    void reportFailure(error, { argv, io, record }).then((code) => process.exit(code))
  })
}

process.exitCode = await main(argv, io)
setTimeout(() => process.exit(), LINGER_MS).unref()
