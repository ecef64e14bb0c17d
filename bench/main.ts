/**
 * `npm run bench`: what ETL3 costs beside what a user would write instead, as ratios within one run. Each round takes
 * every measurement once, so that what else the machine does falls on all of them. All that is written stays until the
 * end: ext4 does not give out the number of a deleted file again for five minutes and searches for another one, so that
 * making 72,000 folders takes ten seconds instead of one after as many were deleted.
 *
 * - without arguments: five rounds on the real star (ETL3_STAR or ../shared/data/star) and on a generated one; writes the table
 *   into bench/README.md
 * - `--short`: three rounds on the demo star; fails where a ratio is more than half worse than bench/reference.json
 * - `--rounds <n>`, `--facts <n>` (size of the generated star), `--partitions <n>` (of the star of many),
 *   `--only star|large|files|partitions`; the last one is measured where it is asked for
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { findTemporalCli } from '../src/runtime/temporal/temporal-cli.js'
import type { Installation } from '../test/check-star/etl3-process.js'
import { DEFAULT_OPTIONS } from '../test/oracle/oracle-table.js'
import { expectedPath } from '../test/oracle/partition-path.js'
import type { CopyRequest, CopyResult } from './duckdb-copy.js'
import { type RunTimes, tableOf, timeRun } from './etl3-run.js'
import { FIGURES, type Measured, measured, reaches } from './figures.js'
import { hyparquetMsPerFile } from './hyparquet-writer.js'
import { inManyFiles } from './many-files.js'
import { CELLS, manyPartitions } from './many-partitions.js'
import { demoSubject, largeSubject, realSubject, type Subject, withChangedGroup } from './subject.js'
import { type Findings, tableOf as markdownOf, shown, writeTable } from './table.js'
import { temporalShare } from './temporal-share.js'

const ROOT = resolve(import.meta.dirname, '..')
const CHUNK_SIZE = 500
const LIMIT_MB = 512
const DUCKDB_LIMIT_MB = 4096
const PARTITION_BY_TIMEOUT_MS = 300_000
/** Of the generated star for DuckDB's rate: the whole join would take ten minutes, at the same rate. */
const RATE_FACTS = 150_000
const LARGE_FACTS = 3_000_000
/** Of the star whose facts lie in one file, and in many. */
const FACTS_IN_FILES = 1_000_000
const MANY_FILES = 10_000
/** Partitions of the star that has many, unless another number is asked for. */
const MANY_PARTITIONS = 250_000
/** About as many rows as facts: what is measured is reading them. */
const MEMBERS_IN_FILES = 2
/** One partition in so many is written by one COPY each. */
const EACH_EVERY = 100
/** A ratio that is worse than the reference by more than this fails the short form. */
const REGRESSION = 1.5

interface Bench {
  readonly folder: string
  readonly installation: Installation
}

/** What one round on one subject took. */
interface Round {
  readonly copy: CopyResult
  readonly first: RunTimes
  readonly noop: RunTimes
  /** Over the table of the first run, after one group changed; where that is measured. */
  readonly changed: RunTimes | undefined
  readonly two: RunTimes
  /** Temporal's share of the first run. */
  readonly temporal: number
}

/** A sample of the partitions, by one COPY each. */
interface EachPartition {
  /** The sample's files, as ETL3 wrote them. */
  readonly files: readonly string[]
  /** Bytes of these files, and of DuckDB's. */
  readonly ours: number
  readonly theirs: number
  readonly msPerFile: number
  /** Once for all partitions, before the first COPY. */
  readonly preparationSeconds: number
}

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    facts: { type: 'string', default: String(LARGE_FACTS) },
    partitions: { type: 'string', default: String(MANY_PARTITIONS) },
    only: { type: 'string' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'etl3-bench-'))
const { path: temporalCli } = await findTemporalCli()
const bench: Bench = {
  folder,
  installation: { cli: join(ROOT, 'dist', 'cli', 'main.js'), temporalCli, stateDir: join(folder, 'state') },
}
try {
  process.exitCode = values.short ? await short(Number(values.rounds ?? 3)) : await long(Number(values.rounds ?? 5))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The short form. @returns the exit code */
async function short(rounds: number): Promise<number> {
  const subject = await demoSubject(folder)
  const taken = await roundsOf(subject, rounds)
  const each = await eachPartition(subject, tableOf(outputOf(subject, 2, rounds - 1)))
  const found: Record<string, Measured> = { ...figuresOf(taken), bytes: measured([each.ours / each.theirs]) }
  const reference: Record<string, number> = JSON.parse(readFileSync(join(ROOT, 'bench', 'reference.json'), 'utf8'))
  let failed = 0
  let passed = 0
  for (const figure of FIGURES) {
    const due = reference[figure.id]
    const ratio = found[figure.id]
    if (due === undefined || ratio === undefined) continue
    const worst = figure.better === 'lower' ? due * REGRESSION : due / REGRESSION
    const good = reaches(figure, ratio.median, worst)
    good ? passed++ : failed++
    say(`  ${good ? 'ok  ' : 'FAIL'}  ${figure.what}: ${shown(ratio.median)}, reference ${due}`)
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  return failed === 0 && passed > 0 ? 0 : 1
}

/** The long form. @returns the exit code: 0 also where a mark is missed; the table says so */
async function long(rounds: number): Promise<number> {
  const star =
    realSubject(resolve(ROOT, process.env['ETL3_STAR'] ?? '../shared/data/star')) ?? (await demoSubject(folder))
  let figures: Record<string, Measured> = {}
  const phases: Record<string, Record<string, number>> = {}
  const beside: { way: string; result: string }[] = []
  const peaks: number[] = []
  if (values.only === undefined || values.only === 'star') {
    const taken = await roundsOf(star, rounds, await withChangedGroup(star, folder))
    figures = { ...figures, ...figuresOf(taken) }
    phases[star.title] = phasesOf(taken.map(({ first }) => first))
    const changes = changesOf(taken)
    phases[`the same after one group changed, ${changes[0]?.written ?? 0} files`] = phasesOf(changes)
    peaks.push(...taken.map(({ first }) => first.peakMb))
    const each = await eachPartition(star, tableOf(outputOf(star, 2, rounds - 1)))
    const { partitions = 0 } = taken[0]?.first ?? {}
    const writeMs = (1000 * (phases[star.title]?.['write'] ?? Number.NaN)) / partitions
    const hyparquetMs = await hyparquetMsPerFile(each.files, mkdtempSync(join(folder, 'hyparquet-')))
    figures['bytes'] = measured([each.ours / each.theirs])
    const copySeconds = measured(taken.map(({ copy }) => copy.seconds)).median
    beside.push(
      {
        way: 'COPY to one file, 1 thread',
        result: `${copySeconds.toFixed(1)} s, ${Math.max(...taken.map(({ copy }) => copy.peakMb)).toFixed(0)} MB`,
      },
      {
        way: 'one COPY a partition',
        result: `${wholeOf(each.msPerFile, partitions)}, after ${each.preparationSeconds.toFixed(1)} s to join and to sort by partition`,
      },
      { way: 'hyparquet-writer, a partition at a time', result: `${wholeOf(hyparquetMs, partitions)}, after the join` },
      { way: "ETL3's phase write, its join included", result: wholeOf(writeMs, partitions) },
      { way: 'COPY … PARTITION_BY the nine columns, 4 GB', result: await partitionBy(star) },
    )
  }
  if (values.only === undefined || values.only === 'large') {
    const large = await largeSubject(folder, Number(values.facts))
    const rateStar = await largeSubject(folder, Math.min(RATE_FACTS, Number(values.facts)))
    const runs: RunTimes[] = []
    const copyRates: number[] = []
    const twos: number[] = []
    for (let round = 0; round < rounds; round++) {
      const copied = await copy({ tables: rateStar.tables, way: 'one', threads: 1 })
      const run = await firstRun(large, 1, round)
      const two = await firstRun(large, 2, round)
      copyRates.push(copied.rows / copied.seconds)
      twos.push(two.runSeconds / run.runSeconds)
      runs.push(run)
      say(`  ${large.title}, round ${round + 1}: ${summary(run)}; two workers ${two.runSeconds.toFixed(1)} s`)
    }
    const over = (value: (run: RunTimes) => number, under: readonly number[]): Measured =>
      measured(runs.map((run, round) => value(run) / (under[round] ?? Number.NaN)))
    figures['rate'] = over((run) => run.rows / writing(run), copyRates)
    figures['rateRun'] = over((run) => run.rows / run.commandSeconds, copyRates)
    figures['twoLarge'] = measured(twos)
    figures['peakLargeMb'] = measured(runs.map(({ peakMb }) => peakMb))
    if (peaks.length > 0) figures['peakLarge'] = over(({ peakMb }) => peakMb, peaks)
    phases[large.title] = phasesOf(runs)
  }
  if (values.only === undefined || values.only === 'files') {
    const one = await largeSubject(folder, FACTS_IN_FILES, MEMBERS_IN_FILES)
    const many = await inManyFiles(one, folder, MANY_FILES)
    const pairs: { one: RunTimes; many: RunTimes }[] = []
    for (let round = 0; round < rounds; round++) {
      const pair = { one: await filesRun(one, 'one', round), many: await filesRun(many, 'many', round) }
      pairs.push(pair)
      say(`  one file, round ${round + 1}: ${summary(pair.one)}; ${MANY_FILES} files: ${summary(pair.many)}`)
    }
    figures['files'] = measured(pairs.map((pair) => pair.many.runSeconds / pair.one.runSeconds))
    figures['filesPeak'] = measured(pairs.map((pair) => pair.many.peakMb / pair.one.peakMb))
    phases['1,000,000 facts in one file'] = phasesOf(pairs.map((pair) => pair.one))
    phases['the same in 10,000 files'] = phasesOf(pairs.map((pair) => pair.many))
  }
  if (values.only === 'partitions') {
    const found = await partitionFigures(rounds)
    figures = { ...figures, ...found.figures }
    Object.assign(phases, found.phases)
  }
  const findings: Findings = { about: await about(), figures, phases, beside }
  process.stdout.write(`${markdownOf(findings)}\n`)
  if (values.only === undefined) writeTable(join(ROOT, 'bench', 'README.md'), findings)
  return 0
}

/** A star of very many partitions: its first run, one with nothing to do, and one after ten facts changed. */
async function partitionFigures(rounds: number): Promise<Pick<Findings, 'figures' | 'phases'>> {
  const { first, changed } = await manyPartitions(folder, Math.ceil(Number(values.partitions) / CELLS))
  const taken: Record<'first' | 'noop' | 'changed', RunTimes>[] = []
  for (let round = 0; round < rounds; round++) {
    const options = runOptions(first, 1, round)
    const times = {
      first: await timeRun(options),
      noop: await timeRun(options),
      changed: await timeRun({ ...options, subject: changed }),
    }
    if (times.noop.status !== 'unchanged') throw new Error(`the second run was '${times.noop.status}'`)
    taken.push(times)
    const { first: one, noop, changed: other } = times
    say(`  ${first.title}, round ${round + 1}: ${summary(one)}; unchanged ${summary(noop)}; changed ${summary(other)}`)
  }
  const over = (value: (times: (typeof taken)[number]) => number): Measured => measured(taken.map(value))
  return {
    figures: {
      partitionsPeak: over((times) => times.first.peakMb),
      partitionsPeakChanged: over((times) => times.changed.peakMb),
      partitionsNoop: over((times) => times.noop.runSeconds / times.first.runSeconds),
      partitionsChanged: over((times) => times.changed.runSeconds / times.first.runSeconds),
    },
    phases: {
      [first.title]: phasesOf(taken.map((times) => times.first)),
      'the same after ten facts changed': phasesOf(taken.map((times) => times.changed)),
    },
  }
}

async function roundsOf(subject: Subject, rounds: number, changedSubject?: Subject): Promise<Round[]> {
  const taken: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const copied = await copy({ tables: subject.tables, way: 'one', threads: 1 })
    const first = await firstRun(subject, 1, round)
    const noop = await timeRun(runOptions(subject, 1, round))
    if (noop.status !== 'unchanged') throw new Error(`the second run was '${noop.status}'`)
    const changed = changedSubject && (await timeRun({ ...runOptions(subject, 1, round), subject: changedSubject }))
    if (changed?.written === 0) throw new Error('the run after one group changed wrote nothing')
    const two = await firstRun(subject, 2, round)
    const temporal = await temporalShare(bench.installation, first.workflowId)
    taken.push({ copy: copied, first, noop, changed, two, temporal })
    say(
      [
        `  ${subject.title}, round ${round + 1}: COPY ${copied.seconds.toFixed(1)} s`,
        summary(first),
        `nothing to do ${noop.runSeconds.toFixed(1)} s`,
        ...(changed ? [`one group changed ${changed.runSeconds.toFixed(1)} s, ${changed.written} files`] : []),
        `two workers ${two.runSeconds.toFixed(1)} s`,
      ].join('; '),
    )
  }
  return taken
}

function figuresOf(rounds: readonly Round[]): Record<string, Measured> {
  const over = (ratio: (round: Round) => number): Measured => measured(rounds.map(ratio))
  return {
    run: over(({ first, copy: copied }) => first.commandSeconds / copied.seconds),
    write: over(({ first, copy: copied }) => writing(first) / copied.seconds),
    two: over(({ first, two }) => two.runSeconds / first.runSeconds),
    noop: over(({ first, noop }) => noop.runSeconds / first.runSeconds),
    noopCommand: over(({ first, noop }) => noop.commandSeconds / first.commandSeconds),
    temporal: over(({ temporal }) => temporal),
    peak: over(({ first }) => first.peakMb),
    peakTwo: over(({ two }) => two.peakMb),
    ...(changesOf(rounds).length > 0
      ? { oneGroup: over(({ first, changed }) => (changed?.runSeconds ?? Number.NaN) / first.runSeconds) }
      : {}),
  }
}

function changesOf(rounds: readonly Round[]): RunTimes[] {
  return rounds.flatMap(({ changed }) => (changed ? [changed] : []))
}

function writing({ phases }: RunTimes): number {
  return (phases['write'] ?? 0) + (phases['publish'] ?? 0)
}

function phasesOf(runs: readonly RunTimes[]): Record<string, number> {
  const names = [...new Set(runs.flatMap(({ phases }) => Object.keys(phases)))]
  const medians = names.map((name) => [name, measured(runs.map(({ phases }) => phases[name] ?? 0)).median] as const)
  return {
    ...Object.fromEntries(medians),
    'the run': measured(runs.map(({ runSeconds }) => runSeconds)).median,
    'the command': measured(runs.map(({ commandSeconds }) => commandSeconds)).median,
  }
}

/** A sample of partitions by one COPY each, against the same partitions as ETL3 wrote them. */
async function eachPartition(subject: Subject, table: string): Promise<EachPartition> {
  const copied = await copy({ tables: subject.tables, way: 'each', threads: 1, every: EACH_EVERY })
  const files = (copied.partitions ?? []).map((partition) =>
    join(table, expectedPath(DEFAULT_OPTIONS.partitionColumns, partition)),
  )
  return {
    files,
    ours: files.reduce((sum, file) => sum + statSync(file).size, 0),
    theirs: copied.bytes,
    msPerFile: (copied.seconds / copied.files) * 1000,
    preparationSeconds: copied.preparationSeconds ?? 0,
  }
}

/** What a sample of the files says of all of them. */
function wholeOf(msPerFile: number, files: number): string {
  return `${msPerFile.toFixed(msPerFile < 1 ? 2 : 1)} ms a file: ${((msPerFile * files) / 1000).toFixed(0)} s for ${files.toLocaleString('en')} files`
}

async function partitionBy(subject: Subject): Promise<string> {
  try {
    const copied = await copy({ tables: subject.tables, way: 'partitionBy', threads: 2 }, PARTITION_BY_TIMEOUT_MS)
    return `${copied.seconds.toFixed(0)} s, ${copied.rows.toLocaleString('en')} rows can be read again`
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`
  }
}

async function firstRun(subject: Subject, workers: number, round: number): Promise<RunTimes> {
  return await timeRun(runOptions(subject, workers, round))
}

async function filesRun(subject: Subject, name: string, round: number): Promise<RunTimes> {
  return await timeRun({ ...runOptions(subject, 1, round), folder: join(folder, `files-${name}-${round}`) })
}

function runOptions(subject: Subject, workers: number, round: number): Parameters<typeof timeRun>[0] {
  return {
    installation: bench.installation,
    subject,
    folder: outputOf(subject, workers, round),
    workers,
    memoryLimitMb: LIMIT_MB * workers,
    chunkSize: CHUNK_SIZE,
  }
}

function outputOf(subject: Subject, workers: number, round: number): string {
  return join(folder, `${subject.name}-${workers}-${round}`)
}

type Copy = Pick<CopyRequest, 'tables' | 'way' | 'threads' | 'every'>

async function copy(request: Copy, timeoutMs?: number): Promise<CopyResult> {
  const out = mkdtempSync(join(folder, 'copy-'))
  const argument = JSON.stringify({ ...request, out, memoryLimitMb: DUCKDB_LIMIT_MB } satisfies CopyRequest)
  const script = join(ROOT, 'bench', 'duckdb-copy.ts')
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'run-typescript.mjs'), script, argument], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' }),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += String(text)
  })
  child.stderr.on('data', (text) => {
    stderr += String(text)
  })
  const code = await new Promise<number | null>((done) => child.once('close', done))
  rmSync(out, { recursive: true, force: true })
  if (code === 0) {
    const result: CopyResult = JSON.parse(stdout)
    return result
  }
  if (code === null && timeoutMs !== undefined) throw new Error(`not done after ${timeoutMs / 1000} s`)
  throw new Error(/Error: (.*)/.exec(stderr)?.[1] ?? `it ended with ${code}`)
}

async function about(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'])
  const [cpu] = cpus()
  return [
    `${new Date().toISOString().slice(0, 10)}, commit ${stdout.trim()}, Node ${process.version}, ${process.platform} ${process.arch}`,
    `${cpus().length} × ${cpu?.model ?? 'processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GB`,
  ]
}

function summary(run: RunTimes): string {
  return `run ${run.runSeconds.toFixed(1)} s (command ${run.commandSeconds.toFixed(1)} s), write and publish ${writing(run).toFixed(1)} s, peak ${run.peakMb.toFixed(0)} MB`
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
