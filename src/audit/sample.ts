/**
 * Which facts the audit carries from the input to the table: a sample that depends on the input alone. It takes runs of
 * facts of a few groups, because facts of one group meet the same providers and lie in few partitions.
 */
import type { ContractValue } from './contract-values.js'
import type { Coverage } from './coverage.js'
import type { ParquetRows, RowRange } from './parquet-rows.js'
import { STAR_TABLES } from './star-tables.js'
import {
  type AuditedFile,
  type AuditedTable,
  type ColumnReader,
  columnReader,
  type FoundRow,
  type ReadingDepth,
  readRowsAt,
  starColumn,
  withFile,
} from './table-rows.js'

/** A fact of the sample. */
export type SampledFact = FoundRow

/** How many facts are taken, of how many files and row groups. */
export interface SampleSize {
  readonly facts: number
  readonly files: number
  /** Values that are read of one file at most; one row group in any case. */
  readonly valuesPerFile: number
}

/** What was taken. */
export interface Sample {
  readonly facts: readonly SampledFact[]
  /** Files of which facts were taken. */
  readonly files: number
}

/** Of a file there are at least so many. */
const FEWEST_PER_FILE = 2
/** Facts of one group that are taken in a run. */
const RUN_FACTS = 16

/** Takes the sample. */
export async function sampleFacts(
  table: AuditedTable,
  size: SampleSize,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<Sample> {
  const files = spread(table.files, size.files)
  const each = Math.max(FEWEST_PER_FILE, Math.ceil(size.facts / Math.max(1, files.length)))
  const facts: SampledFact[] = []
  let read = 0
  for (const file of files) {
    const found = await withFile('fact_rate', file, { ...depth, coverage }, async (rows) => {
      const groups = groupsOf(rows, file, size.valuesPerFile)
      const sampled: SampledFact[] = []
      for (const group of groups) {
        sampled.push(...(await factsIn(rows, file, group, Math.ceil(each / groups.length), depth, coverage)))
      }
      return sampled
    })
    if (found === undefined) continue
    facts.push(...found)
    read += 1
  }
  return { facts, files: read }
}

/** Evenly spread items of a list, all of it when it is short enough. */
function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items
  return items.filter((_, i) => Math.floor(((i + 1) * most) / items.length) > Math.floor((i * most) / items.length))
}

function groupsOf(rows: ParquetRows, { seed }: AuditedFile, values: number): readonly RowRange[] {
  const filled = rows.groups.filter((g) => g.to > g.from)
  const largest = Math.max(1, ...filled.map((g) => g.to - g.from))
  const most = Math.max(1, Math.floor(values / (largest * STAR_TABLES.fact_rate.length)))
  if (filled.length <= most) return filled
  const first = seed % filled.length
  return spread([...filled.slice(first), ...filled.slice(0, first)], most)
}

async function factsIn(
  rows: ParquetRows,
  file: AuditedFile,
  group: RowRange,
  most: number,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<SampledFact[]> {
  const at = await runsOf(rows, columnReader(rows, file, starColumn('fact_rate', 'pg_uid')), group, most, file.seed)
  return await readRowsAt(rows, { table: 'fact_rate', file, group, at }, depth, coverage)
}

/** Rows of a few groups that lie evenly in the row group, and single rows in between where these are too few. */
async function runsOf(
  rows: ParquetRows,
  read: ColumnReader,
  group: RowRange,
  most: number,
  seed: number,
): Promise<number[]> {
  const size = group.to - group.from
  if (size <= most) return Array.from({ length: size }, (_, i) => group.from + i)
  const numbers = new Map<ContractValue, number>()
  const values = new Float64Array(size)
  for (const window of rows.windows(group)) {
    const numberOf = (value: ContractValue): number => {
      const number = numbers.get(value) ?? numbers.size
      numbers.set(value, number)
      return number
    }
    values.set((await read(window)).numbers(numberOf), window.from - group.from)
  }
  const runs = Math.ceil(most / RUN_FACTS)
  const same = new Map<number, number[]>()
  for (let run = 0; run < runs; run++) same.set(values[(Math.floor((run * size) / runs) + seed) % size] ?? 0, [])
  const isWanted = new Uint8Array(numbers.size)
  for (const number of same.keys()) isWanted[number] = 1
  for (let row = 0; row < size; row++) {
    const number = values[row] ?? 0
    if (isWanted[number] === 1) same.get(number)?.push(row)
  }
  const chosen = new Set([...same.values()].flatMap((run) => spread(run, Math.ceil(most / runs))))
  for (let i = 0; i < most && chosen.size < most; i++) chosen.add((Math.floor((i * size) / most) + seed) % size)
  return [...chosen].sort((a, b) => a - b).map((row) => group.from + row)
}
