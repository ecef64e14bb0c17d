/** `plan.parquet`: every partition of the table, what happens to it, and in which unit; also those that are to go. */
import { type AskedColumns, type PartitionFormat, partitionRelation } from './partition-file.js'

const COLUMNS = {
  /** Place in the plan; also the name of its object in the run's folder. −1 for one that is removed. */
  ordinal: 'INTEGER',
  /** Which unit writes it; −1 for one that is not written. */
  unit: 'INTEGER',
  /** See `PlanAction`. */
  action: 'VARCHAR',
  /** Ids by which its rows are found among the staged files; −1 for one that is removed. */
  block: 'INTEGER',
  slice_id: 'INTEGER',
  cell_id: 'INTEGER',
  /** Under the table. */
  key: 'VARCHAR',
  /** Rows that it will have; of one that is removed, those that it has. */
  rows: 'BIGINT',
  facts: 'BIGINT',
  /** Hexadecimal digits; empty for one that is removed. */
  fingerprint: 'VARCHAR',
  /** Mark of the object that lay under the key when the plan was made; NULL when there was none. */
  observed_etag: 'VARCHAR',
  /** SHA-256 (hex) of what the published run had under the key; NULL where it had nothing. */
  published_sha256: 'VARCHAR',
} as const

/** A column of every plan. The partition columns follow, in their order, with the raw values. */
export type PlanColumn = keyof typeof COLUMNS

/** The format of `plan.parquet`. Version 1 had two more columns that nobody read. */
export const PLAN_FORMAT: PartitionFormat<PlanColumn> = { name: 'plan.parquet', version: 2, columns: COLUMNS }

/** SQL of the partitions of local plans; none for no plan. */
export function planRelation(plans: readonly string[], asked: AskedColumns<PlanColumn>): string {
  return partitionRelation(PLAN_FORMAT, plans, asked)
}

/** SQL of the partitions of a local plan that the table will have: all but those that are removed. */
export function plannedPartitions(plan: string, asked: AskedColumns<PlanColumn>): string {
  const relation = planRelation([plan], { ...asked, columns: [...new Set<PlanColumn>([...asked.columns, 'action'])] })
  return `(FROM ${relation} WHERE action <> 'remove')`
}
