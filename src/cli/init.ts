/** `etl3 init`: writes a configuration and says what comes next. */
import { existsSync, writeFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { TableName } from '../config/schema.js'
import type { processingFor, TemplateAnswers } from '../config/template.js'
import { UsageError } from '../runtime/errors.js'
import { makeFolder } from '../runtime/make-folder.js'
import { plainText } from '../runtime/plain-text.js'
import { shellWord } from './output/command-to-try.js'
import { countText } from './output/figures.js'
import type { CliCall, CliShell } from './shell.js'

const MB_PER_GB = 1024
const BYTES_PER_MB = 1024 * 1024
const DEFAULT_FILE = 'config/etl3.yaml'
const DEFAULT_INPUT = 'data'
const DEFAULT_LAKE = 'lake/'

const DESCRIPTION = `Writes a commented configuration file and says what to do next. On a terminal it asks three questions: where the star
lies, where the lake goes (a folder, or s3://bucket/prefix/), and how much memory the machine has. A flag answers its
question beforehand; elsewhere, and with --yes, what no flag says has its default. A file that is there stays, unless
--yes is given.`

/** Adds `etl3 init`. */
export function registerInit(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'init',
    asks: 'ask nothing, and overwrite a file that is there',
    summary: 'write a configuration file',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 init', purpose: 'three questions, then config/etl3.yaml' },
      { call: 'etl3 init --input /data/star --lake /data/lake/ --machine-memory 8', purpose: 'without a question' },
      { call: 'etl3 init --lake s3://my-bucket/rates/ --config config/production.yaml', purpose: 'a lake on S3' },
    ],
  })
  command
    .option('-c, --config <file>', `the file to be written (default: ${DEFAULT_FILE})`)
    .option('--input <place>', `root of the star: a folder or an s3:// prefix (default: ${DEFAULT_INPUT})`)
    .option('--lake <place>', `where table and records go: a folder or an s3:// prefix (default: ${DEFAULT_LAKE})`)
    .option('--machine-memory <gb>', 'memory of the machine in GB (default: that of this one)', memoryOf)
  shell.action(command, writeConfiguration)
}

async function writeConfiguration(call: CliCall): Promise<void> {
  const file = textOf(call.options['config']) ?? DEFAULT_FILE
  if (existsSync(file) && !call.yes) throw alreadyThere(file)
  const [{ configTemplate, processingFor }, { isS3Address }, { pathToProject }] = await Promise.all([
    import('../config/template.js'),
    import('../runtime/uri.js'),
    import('../config/project.js'),
  ])
  const given = await answersOf(call)
  const { tables, leftOut } = isS3Address(given.input) ? NOTHING_BESIDE : await lookBeside(call, given)
  const answers = { ...given, ...(Object.keys(tables).length > 0 ? { tables } : {}) }
  // What was typed counts from here, what is written from the file's project.
  const toProject = (path: string): string => pathToProject(file, path)
  const written = {
    ...answers,
    input: toProject(given.input),
    lake: toProject(given.lake),
    tables: Object.fromEntries(Object.entries(tables).map(([table, pattern]) => [table, toProject(pattern)])),
  }
  makeFolder(dirname(file))
  try {
    // Not even one that appeared while the questions were asked is written over.
    writeFileSync(file, configTemplate(written), { flag: call.yes ? 'w' : 'wx' })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') throw alreadyThere(file)
    throw cause
  }
  const steps = nextSteps(file, isS3Address(answers.lake))
  const widest = Math.max(...steps.map(({ call: line }) => line.length))
  call.result({ formatVersion: 1, file, ...answers, leftOut, next: steps.map(({ call: line }) => line) }, () =>
    [
      call.palette.bold(`wrote ${plainText(file)}`),
      '',
      ...takenValues(answers, processingFor(answers)),
      '',
      'Next:',
      ...steps.map(
        ({ call: line, purpose }) => `  ${plainText(line).padEnd(widest)}  ${call.palette.dim(`# ${purpose}`)}`,
      ),
    ].join('\n'),
  )
}

/** What was answered, and what follows from it: nobody may have been asked. */
function takenValues(
  { input, lake, machineMemoryMb }: TemplateAnswers,
  { memory_limit_mb: limitMb, max_workers: workers, chunk_size: rows }: ReturnType<typeof processingFor>,
): string[] {
  const memory = `limit ${limitMb} MB, workers ${workers}, chunk ${rows} rows`
  return [
    `  star    ${plainText(input)}`,
    `  lake    ${plainText(lake)}`,
    `  memory  ${memory} (a machine of ${countText(machineMemoryMb / MB_PER_GB)} GB)`,
  ]
}

function alreadyThere(file: string): UsageError {
  return new UsageError('ETL3-CL-07', `there is a configuration already [file=${file}]`, {
    hint: 'Name another file with --config, or add --yes to overwrite it.',
  })
}

async function answersOf(call: CliCall): Promise<TemplateAnswers> {
  const machineMb = Math.floor(ownMemoryMb())
  const input = textOf(call.options['input']) ?? (await ask(call, 'Where does the star lie?', DEFAULT_INPUT))
  const lake =
    textOf(call.options['lake']) ?? (await ask(call, 'Where does the lake go (folder or s3://…)?', DEFAULT_LAKE))
  const given = call.options['machineMemory']
  const memoryMb =
    typeof given === 'number'
      ? given * MB_PER_GB
      : (await askForMemory(call, Math.max(1, Math.round(machineMb / MB_PER_GB)))) * MB_PER_GB
  return {
    input,
    lake: lake.endsWith('/') ? lake : `${lake}/`,
    machineMemoryMb: memoryMb,
    cores: availableParallelism(),
  }
}

/** What lies beside the files that the configuration reads: what is to be read as well, and what is left out. */
interface Beside {
  readonly tables: Partial<Record<TableName, string>>
  readonly leftOut: readonly string[]
}

const NOTHING_BESIDE: Beside = { tables: {}, leftOut: [] }

/**
 * Proposes the pattern of a table that has more files than one. Without an answer it is not taken: a copy of a file that
 * lies beside it would double its rows.
 */
async function lookBeside(call: CliCall, { input, lake }: TemplateAnswers): Promise<Beside> {
  const { findUnreadUnder, unreadNotice } = await import('../star/unread-files.js')
  const tables: Partial<Record<TableName, string>> = {}
  const leftOut: string[] = []
  for (const unread of findUnreadUnder(input, [lake])) {
    const { table, pattern, names, folder } = unread
    const notice = unreadNotice(unread)
    if (table !== undefined && pattern !== undefined) {
      const what = `${plainText(folder)} also holds ${names.slice(0, 3).map(plainText).join(', ')}`
      const answer = await ask(call, `${what}. Read it as ${table}, too, with ${plainText(pattern)}? yes or no`, 'no')
      if (/^y(es)?$/i.test(answer)) {
        tables[table] = pattern
        continue
      }
    }
    call.warn(plainText(notice))
    leftOut.push(notice)
  }
  return { tables, leftOut }
}

/** Asks until the answer is one. */
async function askForMemory(call: CliCall, suggestedGb: number): Promise<number> {
  for (;;) {
    const answer = await ask(call, 'Memory of the machine in GB?', String(suggestedGb))
    try {
      return memoryOf(answer)
    } catch {
      call.warn(`'${plainText(answer)}' is not a number of GB from 1`)
    }
  }
}

/** Asks on a terminal; no answer, or nobody to ask, means the suggested one. */
async function ask({ io, yes, quiet }: CliCall, question: string, suggested: string): Promise<string> {
  if (!io.ask || yes || quiet) return suggested
  const answer = (await io.ask(`${question} [${suggested}] `)).trim()
  return answer === '' ? suggested : answer
}

function nextSteps(file: string, cloud: boolean): readonly { readonly call: string; readonly purpose: string }[] {
  const flag = file === DEFAULT_FILE ? '' : ` --config ${shellWord(file)}`
  return [
    {
      call: `etl3 doctor${flag}`,
      purpose: cloud ? 'credentials, bucket, input' : 'is everything there that a run needs?',
    },
    { call: `etl3 validate${flag}`, purpose: 'does the input pass?' },
    { call: `etl3 plan --advise${flag}`, purpose: 'which rows and partitions, and is the layout a good one?' },
    { call: `etl3 memory-test${flag}`, purpose: 'will the run fit into the memory?' },
    { call: `etl3 run${flag}`, purpose: 'write, audit, publish' },
  ]
}

function ownMemoryMb(): number {
  // 0 or undefined where no control group limits the process.
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / BYTES_PER_MB
}

function memoryOf(text: string): number {
  const gb = Number(text.replace(/\s*gb$/i, ''))
  if (Number.isFinite(gb) && gb >= 1 && gb <= 100_000) return gb
  throw new InvalidArgumentError('expected a number of GB from 1.')
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}
