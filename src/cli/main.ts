#!/usr/bin/env node
/** The program `etl3`. */
import { main } from './command-line.js'
import { EXIT_UNEXPECTED } from './exit-codes.js'
import { processIo } from './io.js'
import { reportFailure } from './report-failure.js'

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
for (const stream of [process.stdout, process.stderr]) {
  await new Promise((resolve) => stream.write('', resolve))
}
// A closed connection to Temporal keeps the process for another half second.
process.exit()
