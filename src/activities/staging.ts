/** Stages the star: dimensions once, facts batch by batch, then the numbered whole. Leaves `staged/*.parquet`. */
import { join } from 'node:path'
import { z } from 'zod'
import type { TableName } from '../config/schema.js'
import type { Measured, RunRef, Staged, StagedBatch, StageFactsInput } from '../contract/activities.js'
import { type InputsRecord, parseInputsRecord } from '../records/inputs.js'
import { factBatchesOf, type RunRecord } from '../records/run.js'
import { stagedFetcher, stagedName } from '../records/staged.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import { explainReading } from '../star/explain-reading.js'
import type { FileRange } from '../star/fact-batches.js'
import { selectInput } from '../star/file-schema.js'
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
  openContextOverInputs,
  type RunContext,
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
    const tables = withCopies(inputs.tables, context.copies)
    const counts = await withScratchFolder(context.scratch, 'dimensions', async (folder) => {
      const found: DimensionCounts = await withEngine(deps, context.scratch, signal, (engine) =>
        explainReading(tables, engine, () =>
          stage({
            engine,
            inputs: selectInputs(tables),
            layout: context.layout,
            folder,
          }),
        ),
      )
      for (const name of STAGED_DIMENSIONS)
        await records.putFile(stagedName(name), join(folder, `${name}.parquet`), signal)
      return found
    })
    await records.save('dimensions.json', { formatVersion: 1, rows: counts.npis, counts }, signal)
    return await answer(context, 'dimensions.json', counts.npis, signal)
  }
}

/** Stages one batch of fact files. */
export function stageFacts(
  deps: ActivityDeps,
): (input: StageFactsInput, scope: ActivityScope) => Promise<Omit<StagedBatch, keyof Measured>> {
  return async (input, { signal, heartbeat }) => {
    const batch = 'batch' in input ? input.batch : input.file
    const context = await openContextOverInputs(input.run, deps, signal, (record) => factFilesOf(record, batch))
    const { records } = context
    const batches = factBatchesOf(context.record)
    const range = rangeOf(batches, batch)
    const files = range.to - range.from
    const record = `staged/facts/${batch}.json`
    const done = await records.find(record, (v) => stagedRecordSchema.parse(v), signal)
    if (done) return { ...(await answer(context, record, done.rows, signal)), files }
    heartbeat({ fromFile: range.from + 1, toFile: range.to })
    const inputs = (await inputFiles(context, 'fact_rate', signal)).slice(range.from, range.to)
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
        explainReading([{ name: 'fact_rate', files: inputs }], engine, () =>
          stageFactBatch(
            engine,
            { select: selectInput('fact_rate', inputs), alone: batches.length === 1 },
            dimensions,
            target,
          ),
        ),
      )
      await records.putFile(factsName(batch, batches.length), target, signal)
    })
    const rows = inputs.reduce((sum, { schema }) => sum + schema.rows, 0)
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

/** The files of an input table, where they can be read. */
async function inputFiles(context: InputContext, name: TableName, signal: AbortSignal): Promise<CheckedTable['files']> {
  const tables = withCopies((await inputsRecord(context, signal)).tables, context.copies)
  return tables.find((table) => table.name === name)?.files ?? []
}

/** The input of one batch alone. */
function factFilesOf(record: RunRecord, batch: number): InputTable[] {
  const { from, to } = rangeOf(factBatchesOf(record), batch)
  return record.inputs
    .filter(({ name }) => name === 'fact_rate')
    .map(({ name, files }) => ({ name, files: files.slice(from, to) }))
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

/** Where the staged facts of a batch lie; those of the only one are all. */
function factsName(batch: number, batches: number): string {
  return batches === 1 ? stagedName('facts') : `staged/facts/${batch}.parquet`
}

async function answer({ records }: RunContext, name: string, rows: number, signal: AbortSignal): Promise<Answer> {
  const record = await records.reference(name, signal)
  if (!record) throw new Error(`${name} was not stored`)
  return { record, rows }
}
