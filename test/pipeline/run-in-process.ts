/** The whole path from a star to files in this process, without Temporal: for properties over many small stars. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configSchema } from '../../src/config/schema.js'
import { Engine } from '../../src/engine/engine.js'
import { readParquet } from '../../src/engine/parquet-scan.js'
import { partitionKey } from '../../src/lake/keys.js'
import { createPartitionEncoder } from '../../src/parquet/encoder.js'
import { type InventoryEntry, takeInventory } from '../../src/plan/inventory.js'
import { loadPartitionValues, partitionValuesInSql } from '../../src/plan/partition-values.js'
import { ruleSetOf } from '../../src/quality/rule-set.js'
import { screenFacts } from '../../src/quality/screen.js'
import { DICTIONARY } from '../../src/star/dictionary.js'
import { columnSources, RowGroupBuilder, SliceBuckets } from '../../src/star/enrich.js'
import { batchRanges, batchSizes, type FileRange } from '../../src/star/fact-batches.js'
import { loadQuarantined } from '../../src/star/fact-window.js'
import { selectInput } from '../../src/star/file-schema.js'
import {
  type BatchedFacts,
  type Gathered,
  gatherBatches,
  selectFacts,
  selectGathered,
} from '../../src/star/gather-facts.js'
import { findInputs, type InputTable } from '../../src/star/inputs.js'
import { layoutOf } from '../../src/star/layout.js'
import { readWindow, slicesOf } from '../../src/star/slice-reader.js'
import { stageBenchmarks } from '../../src/star/stage-benchmarks.js'
import { stageDimensions } from '../../src/star/stage-dimensions.js'
import { joinFactBatches, stageFactBatch } from '../../src/star/stage-facts.js'
import type { StagedPaths } from '../../src/star/staged-files.js'
import { loadBlock, loadStagedStar } from '../../src/star/staged-star.js'
import { type CheckedTable, checkSchemas, selectInputs } from '../../src/star/validate.js'

/** What to run. */
export interface InProcessInput {
  readonly star: string
  /** Pattern of the files of facts. Default: `gold/fact_rate*.parquet` of the star. */
  readonly facts?: string
  readonly partitionColumns: readonly string[]
  /** Folder of the table. */
  readonly out: string
  /** Folder for staged files. */
  readonly scratch: string
  readonly rowGroupRows?: number
  /** Entries of a dimension that facts are joined to at once. Default: as many as usual. */
  readonly entriesAtOnce?: number
  /** Entries of attributes and of groups that are held at once. Default: as many as usual. */
  readonly heldEntries?: number
  /** Files of facts that are staged together. Default: all. */
  readonly filesPerBatch?: number
  /** How large the files of facts are taken for, in bytes: small ones are gathered. Default: as large as they are. */
  readonly bytesOfFacts?: number
  /** `data_quality` of the configuration. Default: the built-in rules. */
  readonly dataQuality?: Readonly<Record<string, unknown>>
  /** Done to what was staged, before anything is read of it. */
  readonly afterStaging?: (engine: Engine, staged: StagedPaths) => Promise<void>
}

/** A partition of the plan with its key, and with the key that the engine's own look-up of the values gives. */
export type KeyedEntry = InventoryEntry & { readonly key: string; readonly keyInSql: string }

/** Stages, plans and writes; returns the plan. */
export async function runInProcess(input: InProcessInput): Promise<KeyedEntry[]> {
  const staged = join(input.scratch, 'staged')
  mkdirSync(staged, { recursive: true })
  const config = configSchema.parse({
    input: { root: input.star, tables: { fact_rate: input.facts ?? join(input.star, 'gold/fact_rate*.parquet') } },
    partitioning: { partition_columns: input.partitionColumns },
    ...(input.dataQuality ? { data_quality: input.dataQuality } : {}),
  })
  const layout = layoutOf(config.partitioning.partition_columns)
  const engine = await Engine.open({ memoryLimitMb: 256, threads: 1, scratch: input.scratch })
  try {
    const paths = pathsIn(staged)
    const found = await findInputs(config, new AbortController().signal)
    const tables = await checkSchemas(found, engine)
    const facts = batchedFacts(found, tables, input)
    const gathered = await gatherBatches(engine, facts, staged)
    const inputs = selectInputs(tables).set('fact_rate', selectFacts(facts, gathered))
    await stageDimensions({ engine, inputs, layout, folder: staged })
    await stageAllFacts(engine, tables, staged, {
      batches: facts.batches,
      gathered,
      entriesAtOnce: input.entriesAtOnce,
    })
    await input.afterStaging?.(engine, paths)
    const factFiles = facts.files.map(({ path }) => path)
    await screenFacts(engine, { ...paths, factFiles }, ruleSetOf(config.data_quality, new Date()), new Map(), staged)
    return await write(engine, paths, layout, input)
  } finally {
    engine.close()
  }
}

function batchedFacts(
  found: readonly InputTable[],
  tables: readonly CheckedTable[],
  { filesPerBatch = Number.POSITIVE_INFINITY, bytesOfFacts }: InProcessInput,
): BatchedFacts {
  const files = tables.find((t) => t.name === 'fact_rate')?.files ?? []
  const bytes = found.find((t) => t.name === 'fact_rate')?.files.map((file) => bytesOfFacts ?? file.bytes) ?? []
  return { files, bytes, batches: batchesOf(files, filesPerBatch) }
}

function batchesOf(files: readonly unknown[], filesPerBatch: number): FileRange[] {
  const sizes = files.map(() => ({ bytes: 0 }))
  return batchRanges(batchSizes(sizes, { bytes: 0, files: filesPerBatch }))
}

async function write(
  engine: Engine,
  paths: StagedPaths,
  layout: ReturnType<typeof layoutOf>,
  input: InProcessInput,
): Promise<KeyedEntry[]> {
  const star = await loadStagedStar(engine, paths, input.heldEntries)
  const block = await loadBlock(engine, star, 0)
  const quarantined = await loadQuarantined(engine, paths)
  const valuesOf = await loadPartitionValues(engine, paths, layout)
  const inventory: InventoryEntry[] = []
  for await (const entry of takeInventory(engine, star, block, quarantined)) inventory.push(entry)
  const keysInSql = await lookUpKeys(engine, paths, layout, inventory)
  const plan = inventory.map((entry, i): KeyedEntry => {
    const key = partitionKey(layout.columns, valuesOf(entry.slice, entry.cell))
    return { ...entry, key, keyInSql: keysInSql[i] ?? '' }
  })
  const facts = await engine.count(`SELECT count(*) FROM ${readParquet([paths.facts])}`)
  const { window } = await readWindow(engine, star, { from: 0, to: facts }, { quarantined })
  const slices = slicesOf(window)
  const encoder = createPartitionEncoder(DICTIONARY.map(({ name, type }) => ({ name, type })))
  encoder.bind(columnSources(star, block, window))
  const builder = new RowGroupBuilder(star, {
    rowGroupRows: input.rowGroupRows ?? 131_072,
    byState: layout.provider.includes('state'),
  })
  for (const entry of plan) {
    const found = slices.get(entry.slice)
    if (!found) throw new Error(`slice ${entry.slice} has no facts`)
    const buckets = new SliceBuckets(found, block, [entry.cell - block.firstCell])
    const pieces = encoder.encode(buckets.rowGroups(0, builder), [['etl3.fingerprint', entry.fingerprint]])
    const path = join(input.out, entry.key)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, Buffer.concat([...copies(pieces)]))
  }
  return plan
}

async function lookUpKeys(
  engine: Engine,
  paths: StagedPaths,
  layout: ReturnType<typeof layoutOf>,
  inventory: readonly InventoryEntry[],
): Promise<string[]> {
  const values = await partitionValuesInSql(engine, paths, layout)
  await engine.run('CREATE TABLE places (place INTEGER, slice_id INTEGER, cell_id INTEGER)')
  await engine.append(
    'places',
    inventory.map(({ slice, cell }, place) => [place, slice, cell]),
  )
  const rows = await engine.rows(`SELECT ${values.columns} FROM places i ${values.joins} ORDER BY i.place`)
  return rows.map((row) =>
    partitionKey(
      layout.columns,
      layout.columns.map((column) => (row[column] === null ? null : String(row[column]))),
    ),
  )
}

/** Stages the facts of all input files, and the benchmarks that they meet, into a folder that has the staged dimensions. */
export async function stageAllFacts(
  engine: Engine,
  tables: readonly CheckedTable[],
  folder: string,
  given: {
    readonly batches?: readonly FileRange[]
    readonly gathered?: Gathered
    readonly entriesAtOnce?: number | undefined
  } = {},
): Promise<void> {
  const files = tables.find((t) => t.name === 'fact_rate')?.files ?? []
  const { batches = batchesOf(files, Number.POSITIVE_INFINITY), gathered = [], entriesAtOnce } = given
  const staged: string[] = []
  for (const [i, { from, to }] of batches.entries()) {
    const target = join(folder, batches.length === 1 ? 'facts.parquet' : `part-${i}.parquet`)
    const paths = gathered[i] ?? []
    const firstFile = files.length > 1 ? from : undefined
    const select = paths.length > 0 ? selectGathered(paths) : selectInput('fact_rate', files.slice(from, to), firstFile)
    await stageFactBatch(engine, { select, alone: batches.length === 1 }, pathsIn(folder), target, entriesAtOnce)
    staged.push(target)
  }
  await joinFactBatches(engine, staged, folder)
  const benchmarks = tables.find((t) => t.name === 'bench_medicare_professional')?.files ?? []
  const select = selectInput('bench_medicare_professional', benchmarks)
  await stageBenchmarks({ engine, select, staged: pathsIn(folder), folder })
}

/** A piece of the encoder lives only until the next one. */
function* copies(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece)
}

/** Paths of the staged files in a folder. */
export function pathsIn(folder: string): StagedPaths {
  const path = (name: string): string => join(folder, `${name}.parquet`)
  return {
    attrs: path('attrs'),
    codes: path('codes'),
    groups: path('groups'),
    npis: path('npis'),
    cells: path('cells'),
    attr_parts: path('attr_parts'),
    code_parts: path('code_parts'),
    group_parts: path('group_parts'),
    members: path('members'),
    words: path('words'),
    benchmarks: path('benchmarks'),
    benchmark_keys: path('benchmark_keys'),
    states: path('states'),
    facts: path('facts'),
    uids: path('uids'),
    slices: path('slices'),
    quarantined: path('quarantined'),
  }
}
