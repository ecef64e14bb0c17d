/** Stages the star: dimensions once, facts file by file, then the numbered whole. Leaves `staged/*.parquet`. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { TableName } from '../config/schema.js'
import type { Measured, RunRef, Staged } from '../contract/activities.js'
import { type InputsRecord, parseInputsRecord } from '../records/inputs.js'
import { selectInput, unreadable } from '../star/file-schema.js'
import { withCopies } from '../star/inputs.js'
import { stageBenchmarks } from '../star/stage-benchmarks.js'
import { type DimensionCounts, stageDimensions as stage } from '../star/stage-dimensions.js'
import { joinFactFiles, stageFactFile } from '../star/stage-facts.js'
import { STAGED_BENCHMARKS, STAGED_DIMENSIONS, STAGED_FACTS } from '../star/staged-files.js'
import { type CheckedTable, selectInputs } from '../star/validate.js'
import type { ActivityDeps } from './deps.js'
import {
  type InputContext,
  openContextOverInputs,
  type RunContext,
  stagedFetcher,
  stagedName,
  withEngine,
} from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<Staged, keyof Measured>

const stagedRecordSchema = z.object({ formatVersion: z.literal(1), rows: z.number() })

/** `facts.json`: facts and Medicare rows that are staged. */
export const factsRecordSchema = stagedRecordSchema.extend({ benchmarks: z.number() })

/** `dimensions.json`: the counted traps. */
export const dimensionsRecordSchema = stagedRecordSchema.extend({ counts: z.record(z.string(), z.number()) })

/** Stages the dimension rows that the facts need. */
export function stageDimensions(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, { signal }) => {
    const context = await openContextOverInputs(ref, deps, signal)
    const { records } = context
    const done = await records.find('dimensions.json', (v) => dimensionsRecordSchema.parse(v), signal)
    if (done) return await answer(context, 'dimensions.json', done.rows, signal)
    const inputs = await inputsRecord(context, signal)
    const folder = freshFolder(context, 'dimensions')
    const counts: DimensionCounts = await withEngine(deps, context.scratch, signal, (engine) =>
      readingInput(context, () =>
        stage({
          engine,
          inputs: selectInputs(withCopies(inputs.tables, context.copies)),
          layout: context.layout,
          folder,
        }),
      ),
    )
    for (const name of STAGED_DIMENSIONS)
      await records.putFile(stagedName(name), join(folder, `${name}.parquet`), signal)
    rmSync(folder, { recursive: true, force: true })
    await records.save('dimensions.json', { formatVersion: 1, rows: counts.npis, counts }, signal)
    return await answer(context, 'dimensions.json', counts.npis, signal)
  }
}

/** Stages one input file of facts. */
export function stageFacts(
  deps: ActivityDeps,
): (input: { readonly run: RunRef; readonly file: number }, scope: ActivityScope) => Promise<Answer> {
  return async ({ run, file }, { signal }) => {
    const context = await openContextOverInputs(run, deps, signal)
    const { records } = context
    const record = `staged/facts/${file}.json`
    const done = await records.find(record, (v) => stagedRecordSchema.parse(v), signal)
    if (done) return await answer(context, record, done.rows, signal)
    const files = await inputFiles(context, 'fact_rate', signal)
    const input = files[file]
    if (!input) throw new Error(`there is no fact file ${file}`)
    const folder = freshFolder(context, `facts-${file}`)
    const target = join(folder, 'facts.parquet')
    const fetch = stagedFetcher(context, signal)
    const dimensions = {
      attrs: await fetch('attrs'),
      codes: await fetch('codes'),
      groups: await fetch('groups'),
      code_parts: await fetch('code_parts'),
      group_parts: await fetch('group_parts'),
    }
    await withEngine(deps, context.scratch, signal, (engine) =>
      readingInput(context, () =>
        stageFactFile(
          engine,
          { select: selectInput('fact_rate', [input]), alone: files.length === 1 },
          dimensions,
          target,
        ),
      ),
    )
    await records.putFile(factsName(file, files.length), target, signal)
    rmSync(folder, { recursive: true, force: true })
    await records.save(record, { formatVersion: 1, rows: input.schema.rows }, signal)
    return await answer(context, record, input.schema.rows, signal)
  }
}

/** Numbers the staged facts of all files, and stages the Medicare rows that they meet. */
export function joinFacts(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, { signal }) => {
    const context = await openContextOverInputs(ref, deps, signal)
    const { records } = context
    const done = await records.find('facts.json', (v) => factsRecordSchema.parse(v), signal)
    if (done) return await answer(context, 'facts.json', done.rows, signal)
    const folder = freshFolder(context, 'facts')
    const staged = await fetchStagedFacts(context, signal)
    const files = await inputFiles(context, 'bench_medicare_professional', signal)
    const select = selectInput('bench_medicare_professional', files)
    const fetch = stagedFetcher(context, signal)
    const met = {
      attrs: await fetch('attrs'),
      codes: await fetch('codes'),
      npis: await fetch('npis'),
      members: await fetch('members'),
    }
    const found = await withEngine(deps, context.scratch, signal, async (engine) => {
      const { rows, facts } = await joinFactFiles(engine, staged, folder)
      const benchmarks = await readingInput(context, () =>
        stageBenchmarks({ engine, select, staged: { ...met, facts }, folder }),
      )
      return { rows, benchmarks }
    })
    for (const name of [...STAGED_FACTS, ...STAGED_BENCHMARKS]) {
      if (name === 'facts' && staged.length === 1) continue
      await records.putFile(stagedName(name), join(folder, `${name}.parquet`), signal)
    }
    rmSync(folder, { recursive: true, force: true })
    await records.save('facts.json', { formatVersion: 1, ...found }, signal)
    return await answer(context, 'facts.json', found.rows, signal)
  }
}

/** The record of the input's checks. */
export async function inputsRecord(context: RunContext, signal: AbortSignal): Promise<InputsRecord> {
  const record = await context.records.find('inputs.json', parseInputsRecord, signal)
  if (!record) throw new Error(`run ${context.ref.runId} has not validated its input`)
  return record
}

/** The files of an input table, where they can be read. */
async function inputFiles(context: InputContext, name: TableName, signal: AbortSignal): Promise<CheckedTable['files']> {
  const tables = withCopies((await inputsRecord(context, signal)).tables, context.copies)
  return tables.find((table) => table.name === name)?.files ?? []
}

async function fetchStagedFacts({ record, records, scratch }: RunContext, signal: AbortSignal): Promise<string[]> {
  const files = record.inputs.find((t) => t.name === 'fact_rate')?.files ?? []
  const staged: string[] = []
  for (const file of files.keys())
    staged.push(await records.store.fetchLocal(records.key(factsName(file, files.length)), scratch, signal))
  return staged
}

/** Where the staged facts of an input file lie; those of the only one are all. */
function factsName(file: number, files: number): string {
  return files === 1 ? stagedName('facts') : `staged/facts/${file}.parquet`
}

async function answer({ records }: RunContext, name: string, rows: number, signal: AbortSignal): Promise<Answer> {
  const record = await records.reference(name, signal)
  if (!record) throw new Error(`${name} was not stored`)
  return { record, rows }
}

/** A folder of this attempt alone: an attempt that overlaps its retry writes elsewhere. */
function freshFolder(context: RunContext, name: string): string {
  const folder = join(context.scratch, `${name}-${process.pid}-${performance.now()}`)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** A page that is damaged is met only when it is read. */
async function readingInput<T>({ copies }: InputContext, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const file = /(?:file|reading) ["']([^"']+\.parquet)["']/i.exec(message)?.[1]
    const original = [...copies].find(([, local]) => local === file)?.[0]
    if (file !== undefined || /parquet|snappy|zstd|gzip|decompress|thrift/i.test(message))
      throw unreadable('an input file', original ?? file ?? 'unknown', error)
    throw error
  }
}
