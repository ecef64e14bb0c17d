/** The manifest, put together range by range of the keys, so that its memory does not grow with the number of partitions. */
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { MANIFEST_FORMAT, manifestRelation } from '../partition-files/manifest-file.js'
import {
  joinPartitionFile,
  PIECE_PARTITIONS,
  partitionSelectList,
  writePieceOfPartitions,
} from '../partition-files/partition-file.js'
import { plannedPartitions } from '../partition-files/plan-file.js'

/** An object that the run published. */
export interface WrittenObject {
  /** Of its partition in the plan. */
  readonly ordinal: number
  readonly bytes: number
  readonly sha256: string
  /** The mark that the store gave it. */
  readonly etag: string
}

/** What the manifest is made from. */
export interface ManifestInput {
  readonly engine: Engine
  readonly partitionColumns: readonly string[]
  /** Local plan. */
  readonly plan: string
  readonly written: AsyncIterable<WrittenObject>
  /** Local manifest of the run before: kept partitions come from it. */
  readonly before: string | undefined
  readonly runId: string
  /** Local path of the manifest to be written; its parts lie beside it. */
  readonly target: string
}

/** One key in so many is looked at to find where ranges begin; which ones, their hash decides. */
const SAMPLED = 64

/** Writes every partition of the table as the run leaves it, kept ones included, in the order of their keys. */
export async function writeManifest(input: ManifestInput): Promise<void> {
  const { engine, target } = input
  await engine.run('CREATE TABLE written (ordinal INTEGER, bytes BIGINT, sha256 VARCHAR, etag VARCHAR)')
  await engine.append('written', rowsOf(input.written))
  const parts: string[] = []
  for (const range of await keyRanges(input)) {
    const part = `${target}.${parts.length}`
    await writeRange(input, range, part)
    parts.push(part)
  }
  await joinPartitionFile(engine, MANIFEST_FORMAT, parts, target)
}

async function* rowsOf(written: AsyncIterable<WrittenObject>): AsyncGenerator<(string | number)[]> {
  for await (const { ordinal, bytes, sha256, etag } of written) yield [ordinal, bytes, sha256, etag]
}

/** Keys from one on, up to another one, which is not in it; undefined where nothing bounds them. */
interface KeyRange {
  readonly from: string | undefined
  readonly to: string | undefined
}

/** Ranges, ascending, that all keys of the plan lie in. */
async function keyRanges({ engine, plan }: ManifestInput): Promise<readonly KeyRange[]> {
  const sample = await engine.column(
    `SELECT key FROM ${plannedPartitions(plan, { columns: ['key'] })} WHERE hash(key) % ${SAMPLED} = 0 ORDER BY key`,
  )
  const each = PIECE_PARTITIONS / SAMPLED
  const bounds = sample.filter((_, i) => i > 0 && i % each === 0).map(String)
  return [...bounds, undefined].map((to, i) => ({ from: bounds[i - 1], to }))
}

async function writeRange(input: ManifestInput, range: KeyRange, part: string): Promise<void> {
  const { engine, plan, before, runId } = input
  const values = input.partitionColumns.map((c) => `p.${sqlIdentifier(c)}`).join(', ')
  const partitions = plannedPartitions(plan, {
    columns: ['ordinal', 'key', 'rows', 'facts', 'fingerprint', 'observed_etag'],
    partitionColumns: input.partitionColumns,
  })
  // A table of its own, so that the engine knows how few these are and builds its joins over them.
  await engine.run(`CREATE OR REPLACE TABLE planned AS FROM ${partitions} WHERE ${within(range)}`)
  const published = manifestRelation(before === undefined ? [] : [before], {
    columns: ['key', 'bytes', 'sha256', 'run_id'],
  })
  const columns = {
    key: 'p.key',
    rows: 'p.rows',
    facts: 'p.facts',
    bytes: 'coalesce(w.bytes, b.bytes)',
    sha256: 'coalesce(w.sha256, b.sha256)',
    fingerprint: 'p.fingerprint',
    etag: 'coalesce(w.etag, p.observed_etag)',
    run_id: `CASE WHEN w.ordinal IS NULL THEN b.run_id ELSE ${sqlString(runId)} END`,
  }
  const select = `SELECT ${partitionSelectList(MANIFEST_FORMAT, columns, values)}
    FROM planned p LEFT JOIN written w ON w.ordinal = p.ordinal
    LEFT JOIN (FROM ${published} WHERE ${within(range)}) b ON b.key = p.key ORDER BY p.key`
  await writePieceOfPartitions(engine, select, part)
}

function within({ from, to }: KeyRange): string {
  const least = from === undefined ? 'true' : `key >= ${sqlString(from)}`
  return to === undefined ? least : `${least} AND key < ${sqlString(to)}`
}
