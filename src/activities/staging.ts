/** Stages the star: dimensions once, facts batch by batch, then the numbered whole. Leaves `staged/*.parquet`. */
import { join } from 'node:path'
import { z } from 'zod'
import type { TableName } from '../config/schema.js'
import type { Measured, RunRef, Staged, StagedBatch, StageFactsInput } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { type InputsRecord, parseInputsRecord } from '../records/inputs.js'
import { factBatchesOf, type RunRecord } from '../records/run.js'
import { stagedFetcher, stagedName } from '../records/staged.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import { explainReading } from '../star/explain-reading.js'
import type { FileRange } from '../star/fact-batches.js'
import { selectInput } from '../star/file-schema.js'
import { type Gathered, gatherBatches, selectFacts, selectGathered } from '../star/gather-facts.js'
import { type InputTable, withCopies } from '../star/inputs.js'
import { stageBenchmarks } from '../star/stage-benchmarks.js'
import { type DimensionCounts, stageDimensions as stage } from '../star/stage-dimensions.js'
import { joinFactBatches, stageFactBatch } from '../star/stage-facts.js'
import { STAGED_BENCHMARKS, STAGED_DIMENSIONS, STAGED_FACTS } from '../star/staged-files.js'
import { type CheckedTable, selectInputs } from '../star/validate.js'
import type { ActivityDeps } from './deps.js'
import {
  assertInputsUnchanged,
  type InputContext,
  openContext,
  openContextOverInputs,
  overInputs,
  type RunContext,
  withEngine,
} from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<Staged, keyof Measured>

const stagedRecordSchema = z.object({ formatVersion: z.literal(1), rows: z.number() })

/** `facts.json`: facts and Medicare rows that are staged. */
export const factsRecordSchema = stagedRecordSchema.extend({ benchmarks: z.number() })

/** `dimensions.json`: the counted traps, and how many files of gathered facts there are of each batch. */
export const dimensionsRecordSchema = stagedRecordSchema.extend({
  counts: z.record(z.string(), z.number()),
  // Records of runs before facts were gathered have none.
  gathered: z.array(z.number()).readonly().default([]),
})

/** Stages the dimension rows that the facts need. */
export function stageDimensions(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, { signal }) => {
    const context = await openContextOverInputs(ref, deps, signal)
    const { records } = context
    const done = await records.find('dimensions.json', (v) => dimensionsRecordSchema.parse(v), signal)
    if (done) return await answer(context, 'dimensions.json', done.rows, signal)
    const inputs = await inputsRecord(context, signal)
    const tables = withCopies(inputs.tables, context.copies)
    const { counts, gathered } = await withScratchFolder(context.scratch, 'dimensions', async (folder) => {
      const found = await withEngine(deps, context.scratch, signal, (engine) =>
        explainReading(tables, engine, () => stageTables(context, tables, engine, folder)),
      )
      for (const [batch, paths] of found.gathered.entries())
        for (const [part, path] of paths.entries()) await records.putFile(gatheredName(batch, part), path, signal)
      for (const name of STAGED_DIMENSIONS)
        await records.putFile(stagedName(name), join(folder, `${name}.parquet`), signal)
      return found
    })
    const record = { formatVersion: 1, rows: counts.npis, counts, gathered: gathered.map(({ length }) => length) }
    await records.save('dimensions.json', record, signal)
    return await answer(context, 'dimensions.json', counts.npis, signal)
  }
}

async function stageTables(
  { record, layout }: RunContext,
  tables: readonly CheckedTable[],
  engine: Engine,
  folder: string,
): Promise<{ counts: DimensionCounts; gathered: Gathered }> {
  const facts = {
    files: tables.find(({ name }) => name === 'fact_rate')?.files ?? [],
    bytes: factTableOf(record).files.map(({ bytes }) => bytes),
    batches: factBatchesOf(record),
  }
  const gathered = await gatherBatches(engine, facts, folder)
  const inputs = selectInputs(tables).set('fact_rate', selectFacts(facts, gathered))
  return { counts: await stage({ engine, inputs, layout, folder }), gathered }
}

/** Stages one batch of fact files. */
export function stageFacts(
  deps: ActivityDeps,
): (input: StageFactsInput, scope: ActivityScope) => Promise<Omit<StagedBatch, keyof Measured>> {
  return async (input, { signal, heartbeat }) => {
    const batch = 'batch' in input ? input.batch : input.file
    const context = await openContext(input.run, deps, signal)
    const { records } = context
    const batches = factBatchesOf(context.record)
    const range = rangeOf(batches, batch)
    const files = range.to - range.from
    const record = `staged/facts/${batch}.json`
    const done = await records.find(record, (v) => stagedRecordSchema.parse(v), signal)
    if (done) return { ...(await answer(context, record, done.rows, signal)), files }
    heartbeat({ fromFile: range.from + 1, toFile: range.to })
    const { select, rows, reads } = await factsOf(context, batch, deps, signal)
    const fetch = stagedFetcher(context, signal)
    const dimensions = {
      attrs: await fetch('attrs'),
      codes: await fetch('codes'),
      groups: await fetch('groups'),
      code_parts: await fetch('code_parts'),
      group_parts: await fetch('group_parts'),
    }
    await withScratchFolder(context.scratch, 'facts', async (folder) => {
      const target = join(folder, 'facts.parquet')
      await withEngine(deps, context.scratch, signal, (engine) =>
        explainReading(reads, engine, () =>
          stageFactBatch(engine, { select, alone: batches.length === 1 }, dimensions, target),
        ),
      )
      await records.putFile(factsName(batch, batches.length), target, signal)
    })
    await records.save(record, { formatVersion: 1, rows }, signal)
    return { ...(await answer(context, record, rows, signal)), files }
  }
}

/** Numbers the staged facts of all batches, and stages the Medicare rows that they meet. */
export function joinFacts(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, { signal }) => {
    const context = await openContextOverInputs(ref, deps, signal, ({ inputs }) =>
      inputs.filter(({ name }) => name === 'bench_medicare_professional'),
    )
    const { records } = context
    const done = await records.find('facts.json', (v) => factsRecordSchema.parse(v), signal)
    if (done) return await answer(context, 'facts.json', done.rows, signal)
    // Each batch has looked at its own files before it read them; none may have changed since.
    await assertInputsUnchanged(context, signal)
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
    const found = await withScratchFolder(context.scratch, 'facts', async (folder) => {
      const counted = await withEngine(deps, context.scratch, signal, async (engine) => {
        const { rows, facts } = await joinFactBatches(engine, staged, folder)
        const benchmarks = await explainReading([{ name: 'bench_medicare_professional', files }], engine, () =>
          stageBenchmarks({ engine, select, staged: { ...met, facts }, folder }),
        )
        return { rows, benchmarks }
      })
      for (const name of [...STAGED_FACTS, ...STAGED_BENCHMARKS]) {
        if (name === 'facts' && staged.length === 1) continue
        await records.putFile(stagedName(name), join(folder, `${name}.parquet`), signal)
      }
      return counted
    })
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

async function dimensionsRecord(
  { ref, records }: RunContext,
  signal: AbortSignal,
): Promise<z.output<typeof dimensionsRecordSchema>> {
  const record = await records.find('dimensions.json', (v) => dimensionsRecordSchema.parse(v), signal)
  if (!record) throw new Error(`run ${ref.runId} has not staged its dimensions`)
  return record
}

/** The files of an input table, where they can be read. */
async function inputFiles(
  context: RunContext & Partial<InputContext>,
  name: TableName,
  signal: AbortSignal,
): Promise<CheckedTable['files']> {
  const tables = withCopies((await inputsRecord(context, signal)).tables, context.copies ?? new Map())
  return tables.find((table) => table.name === name)?.files ?? []
}

/** What a batch stages. */
interface BatchFacts {
  readonly select: string
  readonly rows: number
  /** The input files that `select` reads. */
  readonly reads: readonly CheckedTable[]
}

/** The facts of a batch: what was gathered of its files, or else these, as they were when the run opened. */
async function factsOf(
  context: RunContext,
  batch: number,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<BatchFacts> {
  const { records, record, scratch } = context
  const { from, to } = rangeOf(factBatchesOf(record), batch)
  const rowsOf = (files: CheckedTable['files']): number => files.reduce((sum, { schema }) => sum + schema.rows, 0)
  const parts = (await dimensionsRecord(context, signal)).gathered[batch] ?? 0
  if (parts > 0) {
    const names = Array.from({ length: parts }, (_, part) => gatheredName(batch, part))
    const paths = await severalAtOnce(names, records.store.atOnce, (name) =>
      records.store.fetchLocal(records.key(name), scratch, signal),
    )
    const files = (await inputFiles(context, 'fact_rate', signal)).slice(from, to)
    return { select: selectGathered(paths), rows: rowsOf(files), reads: [] }
  }
  const { name, files: stored } = factTableOf(record)
  const over = await overInputs(context, [{ name, files: stored.slice(from, to) }], deps, signal)
  const files = (await inputFiles(over, name, signal)).slice(from, to)
  const firstFile = stored.length > 1 ? from : undefined
  return { select: selectInput(name, files, firstFile), rows: rowsOf(files), reads: [{ name, files }] }
}

function factTableOf({ inputs }: RunRecord): InputTable {
  return inputs.find(({ name }) => name === 'fact_rate') ?? { name: 'fact_rate', files: [] }
}

function rangeOf(batches: readonly FileRange[], batch: number): FileRange {
  const range = batches[batch]
  if (!range) throw new Error(`there is no batch ${batch} of fact files`)
  return range
}

async function fetchStagedFacts({ record, records, scratch }: RunContext, signal: AbortSignal): Promise<string[]> {
  const names = factBatchesOf(record).map((_, batch, batches) => factsName(batch, batches.length))
  return await severalAtOnce(names, records.store.atOnce, (name) =>
    records.store.fetchLocal(records.key(name), scratch, signal),
  )
}

/** Where a part of a batch's gathered facts lies. */
function gatheredName(batch: number, part: number): string {
  return `staged/gathered/${batch}-${part}.parquet`
}

/** Where the staged facts of a batch lie; those of the only one are all. */
function factsName(batch: number, batches: number): string {
  return batches === 1 ? stagedName('facts') : `staged/facts/${batch}.parquet`
}

async function answer({ records }: RunContext, name: string, rows: number, signal: AbortSignal): Promise<Answer> {
  const record = await records.reference(name, signal)
  if (!record) throw new Error(`${name} was not stored`)
  return { record, rows }
}
