/**
 * How many rows the table must have, counted from the input: each fact gives a row for each distinct valid member of its
 * group, or one where there is none. Of all facts, not of a sample: what is lost or doubled anywhere changes the sum.
 */
import type { ContractValue } from './contract-values.js'
import type { Coverage } from './coverage.js'
import type { MemberCounts } from './members.js'
import {
  type AuditedFile,
  type AuditedTable,
  columnReader,
  type ReadingDepth,
  starColumn,
  withFile,
} from './table-rows.js'

/** What is counted. */
export interface CountInput {
  readonly facts: AuditedTable
  /** Members of each group. */
  readonly perGroup: MemberCounts
  /** The facts that were set aside. */
  readonly quarantined: AuditedFile
}

/** The number of rows, or undefined where a file cannot be read. */
export async function countRows(
  { facts, perGroup, quarantined }: CountInput,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<number | undefined> {
  const rowsOf = (group: ContractValue): number =>
    Math.max(1, (typeof group === 'string' ? perGroup.get(group) : undefined) ?? 0)
  let rows = 0
  for (const file of facts.files) {
    const found = await sumOver(file, rowsOf, depth, coverage)
    if (found === undefined) return undefined
    rows += found
  }
  const aside = await sumOver(quarantined, rowsOf, depth, coverage)
  return aside === undefined ? undefined : rows - aside
}

/** Sum over the facts of a file. */
async function sumOver(
  file: AuditedFile,
  rowsOf: (group: ContractValue) => number,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<number | undefined> {
  return await withFile('fact_rate', file, { ...depth, coverage }, async (rows) => {
    const read = columnReader(rows, file, starColumn('fact_rate', 'pg_uid'))
    let sum = 0
    for (const window of rows.groups.flatMap((group) => rows.windows(group))) {
      const groups = await read(window)
      groups.occurring((group, times) => {
        sum += times * rowsOf(group)
      })
      await depth.breathe()
    }
    return sum
  })
}
