/** Writes the demo star: `node dist/demo/main.js [--out demo/star] [--facts 50000] [--seed 1]`. */
import { parseArgs } from 'node:util'
import { Etl3Error, messageOf, UsageError } from '../runtime/errors.js'
import { bytesText, countText } from '../runtime/figures.js'
import { DEMO_DEFAULTS } from './star-shape.js'
import { writeDemoStar } from './write-star.js'

const DEFAULT_OUT = 'demo/star'
const MAX_FACTS = 100_000_000
const MAX_SEED = 2 ** 31 - 1

try {
  const { out, facts, seed } = readArguments(process.argv.slice(2))
  const started = performance.now()
  const star = await writeDemoStar({ out, facts, seed })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const what = `${countText(star.facts)} facts in ${star.root}`
  process.stdout.write(
    star.written
      ? `Demo star: ${what}, ${bytesText(star.bytes)}, written in ${seconds} s\n`
      : `Demo star: ${what}, already there\n`,
  )
} catch (error) {
  const hint = error instanceof Etl3Error && error.hint ? `\n  ${error.hint}` : ''
  process.stderr.write(`Error: ${messageOf(error)}${hint}\n`)
  process.exitCode = error instanceof Etl3Error ? error.exitCode : 1
}

function readArguments(args: string[]): { out: string; facts: number; seed: number } {
  try {
    const { values } = parseArgs({
      args,
      options: { out: { type: 'string' }, facts: { type: 'string' }, seed: { type: 'string' } },
    })
    return {
      out: values.out ?? DEFAULT_OUT,
      facts: wholeNumber('--facts', values.facts, DEMO_DEFAULTS.facts, MAX_FACTS),
      seed: wholeNumber('--seed', values.seed, DEMO_DEFAULTS.seed, MAX_SEED),
    }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    throw new UsageError('ETL3-US-10', messageOf(cause), {
      hint: 'Usage: node dist/demo/main.js [--out <folder>] [--facts <number>] [--seed <number>]',
      cause,
    })
  }
}

function wholeNumber(flag: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value
  throw new UsageError('ETL3-US-11', `${flag} is '${text}', expected a whole number from 1 to ${countText(max)}`)
}
