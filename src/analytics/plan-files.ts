/** The files that the analytics table is to have, from the plan of the partitions: nothing is counted twice. */
import { createHash } from 'node:crypto'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { plannedPartitions } from '../partition-files/plan-file.js'
import { groupBy } from '../runtime/group-by.js'
import type { FactRange } from '../star/fact-window.js'
import type { Layout } from '../star/layout.js'
import { readSliceRadix, sliceParts } from '../star/slice-id.js'
import type { StagedPaths } from '../star/staged-files.js'
import type { AnalyticsTable } from './analytics-table.js'
import { type CuttableSlice, cutFiles } from './cut-files.js'
import { estimatedBytes } from './estimated-bytes.js'

/** A file as it is to be. */
export interface FileToHave {
  readonly block: number
  /** One value for each of the table's partition columns, null for NULL. */
  readonly partition: readonly (string | null)[]
  readonly rows: number
  /** Of all that decides the file's bytes. */
  readonly fingerprint: string
  /** Its facts among the staged ones, in order: one range for each combination of attribute values. */
  readonly ranges: readonly FactRange[]
}

interface Slice extends CuttableSlice {
  readonly block: number
  readonly partition: readonly (string | null)[]
  /** Which combination of the fact's own partition values it has. */
  readonly attrPart: number
  readonly facts: FactRange
  /** A digest of its partitions' keys and fingerprints, in any order. */
  readonly content: string
}

/** What the files are planned from. */
export interface FilePlanInput {
  readonly engine: Engine
  /** Local path of the plan of the partitions. */
  readonly plan: string
  readonly paths: StagedPaths
  readonly layout: Layout
  readonly table: AnalyticsTable
  /** Changes when the same rows would give other bytes. */
  readonly encoding: string
}

/** Plans the files: by block, by partition, by slice. */
export async function planFiles(input: FilePlanInput): Promise<FileToHave[]> {
  const slices = await readSlices(input)
  const files: FileToHave[] = []
  for (const partition of groupBy(slices, ({ block, partition }) => JSON.stringify([block, partition])).values()) {
    for (const ofFile of cutFiles(partition, input.table.target)) files.push(fileOf(ofFile, input))
  }
  return files
}

async function readSlices({ engine, plan, paths, layout, table }: FilePlanInput): Promise<Slice[]> {
  const radix = await readSliceRadix(engine, paths)
  const ofFact = [...layout.attr, ...layout.code, ...layout.group].map(sqlIdentifier)
  const partitionColumns = table.partitionColumns.map(sqlIdentifier)
  const planned = plannedPartitions(plan, {
    columns: ['block', 'slice_id', 'rows', 'key', 'fingerprint'],
    partitionColumns: layout.columns,
  })
  const rows = await engine.rows(`WITH planned AS (
      SELECT block, slice_id, sum(rows)::BIGINT AS rows, count(*)::BIGINT AS partitions, any_value(json_array(${partitionColumns.join(', ')})::VARCHAR) AS partition,
        any_value(json_array(${ofFact.join(', ')})::VARCHAR) AS identity,
        bit_xor(md5_number(key || ' ' || fingerprint))::VARCHAR AS content
      FROM ${planned} GROUP BY block, slice_id)
    SELECT p.*, s.first_row, s.facts FROM planned p JOIN ${readParquet([paths.slices])} s ON s.slice_id = p.slice_id
    ORDER BY block, partition, slice_id`)
  return rows.map((row) => {
    const from = Number(row['first_row'])
    const rowCount = Number(row['rows'])
    return {
      block: Number(row['block']),
      partition: partitionValues(String(row['partition'])),
      attrPart: sliceParts(Number(row['slice_id']), radix).attr,
      facts: { from, to: from + Number(row['facts']) },
      rows: rowCount,
      bytes: estimatedBytes({ rows: rowCount, partitions: Number(row['partitions']) }),
      identity: String(row['identity']),
      content: String(row['content']),
    }
  })
}

function partitionValues(json: string): (string | null)[] {
  const values: unknown = JSON.parse(json)
  if (!Array.isArray(values)) throw new TypeError('the partition of a slice is no list')
  return values.map((value) => (value === null ? null : String(value)))
}

function fileOf(slices: readonly Slice[], { encoding, table }: FilePlanInput): FileToHave {
  const [first] = slices
  if (!first) throw new TypeError('a file has at least one slice')
  const { block, partition } = first
  // Slices of one part are neighbours among the staged facts: its number is the highest digit of theirs.
  const ranges = Array.from(groupBy(slices, ({ attrPart }) => attrPart).values(), (ofPart) => ({
    from: ofPart[0]?.facts.from ?? 0,
    to: ofPart.at(-1)?.facts.to ?? 0,
  }))
  return {
    block,
    partition,
    rows: slices.reduce((sum, { rows }) => sum + rows, 0),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([encoding, table.partitionColumns, partition, slices.map(({ content }) => content)]))
      .digest('hex')
      .slice(0, 32),
    ranges,
  }
}
