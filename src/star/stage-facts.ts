/**
 * Stages the facts: narrow columns, integer ids, sorted by slice, code and fact_uid. What remains of a fact
 * is four ids, its rate, and its identity: as text for people, as a hash for fingerprints, and as bytes in blocks for
 * the encoder, so that no JavaScript string is made per fact.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import { type FactDimensions, withDimensionIds } from './fact-keys.js'
import { FILE_NUMBER, hasFileNumbers } from './file-number.js'
import { readSliceRadix, sliceIdSql } from './slice-id.js'

/** Rows per row group of the staged facts: small enough that a unit reads little more than its own slices. */
const STAGED_ROW_GROUP_ROWS = 20_480

/** Identities are digits without a pattern: compressing them takes a tenth of the time of staging and saves a tenth of the space. */
const UNCOMPRESSED = 'FORMAT parquet, COMPRESSION uncompressed'

/** Facts whose identities lie in one BLOB of `uids.parquet`. The engine hands over 2,048 BLOBs at once: 16 MB. */
export const UIDS_PER_BLOB = 256

/**
 * Order of the staged facts. What follows the identity only makes it total where a fact_uid is not unique; the rate
 * goes in as a hash, because the engine gives back sorted doubles without the sign of a zero.
 */
const STAGED_ORDER = 'slice_id, code_rank, fact_uid NULLS FIRST, code_id, group_id, attr_id, hash(negotiated_rate)'

/** Facts whose identities one statement gathers: 16 MB at 64 bytes each. A multiple of UIDS_PER_BLOB. */
const UIDS_PER_STATEMENT = 1024 * UIDS_PER_BLOB

/** What a staged fact gets once all of them stand in their order: its row, and what readers need of its identity. */
const NUMBERED = `(row_number() OVER () - 1)::INTEGER AS fact_row, *, coalesce(md5_number_lower(fact_uid), 0)::UBIGINT AS uid_hash,
      coalesce(strlen(fact_uid), 0)::INTEGER AS uid_bytes`

/** Input files of facts that are staged together. */
export interface FactBatch {
  /** The files as the contract wants them (`selectInput`), with the numbers of the files where there are several. */
  readonly select: string
  /** Whether there is no other batch: then its facts can be numbered at once. */
  readonly alone: boolean
}

/**
 * Stages the facts of one batch of input files, sorted, and numbered if they are all.
 *
 * @param target path of the staged file, in a folder of this call's own
 * @param entriesAtOnce entries of a dimension that may be joined at once, if not as many as usual
 */
export async function stageFactBatch(
  engine: Engine,
  { select, alone }: FactBatch,
  dimensions: FactDimensions,
  target: string,
  entriesAtOnce?: number,
): Promise<void> {
  const radix = await readSliceRadix(engine, dimensions)
  const slice = sliceIdSql({ attr: 'attr_part', code: 'code_part', group: 'group_part' }, radix)
  const facts = await withDimensionIds(engine, select, dimensions, `${target}.shards`, entriesAtOnce)
  const fileNumber = (await hasFileNumbers(engine, facts)) ? `, ${FILE_NUMBER}` : ''
  await engine.run(`COPY (SELECT ${alone ? NUMBERED : '*'} FROM (
    SELECT ${slice} AS slice_id, code_rank, code_id, group_id, attr_id, negotiated_rate, fact_uid${fileNumber} FROM (${facts})
    ORDER BY ${STAGED_ORDER}))
    TO ${sqlString(target)} (${UNCOMPRESSED}, ROW_GROUP_SIZE ${STAGED_ROW_GROUP_ROWS})`)
}

/**
 * Makes the staged facts of all batches one numbered whole: `facts.parquet` (with `fact_row` from 0; that of the only
 * batch is it already), `uids.parquet` (identities in blocks) and `slices.parquet` (the rows of each slice).
 *
 * @returns the number of facts, and where they lie
 */
export async function joinFactBatches(
  engine: Engine,
  staged: readonly string[],
  folder: string,
): Promise<{ readonly rows: number; readonly facts: string }> {
  const facts = await inOneFile(engine, staged, folder)
  const rows = await engine.count(`SELECT count(*) FROM ${readParquet([facts])}`)
  await gatherUids(engine, facts, rows, folder)
  await engine.run(`COPY (
    SELECT slice_id, min(fact_row)::INTEGER AS first_row, count(*)::INTEGER AS facts FROM ${readParquet([facts])} GROUP BY slice_id ORDER BY slice_id)
    TO ${sqlString(join(folder, 'slices.parquet'))} (FORMAT parquet)`)
  return { rows, facts }
}

async function inOneFile(engine: Engine, staged: readonly string[], folder: string): Promise<string> {
  const [alone, ...others] = staged
  if (alone !== undefined && others.length === 0) return alone
  const facts = join(folder, 'facts.parquet')
  // Batches that an earlier version has staged have no numbers of files.
  const all = readParquet(staged, ', union_by_name = true')
  await engine.run(`COPY (SELECT ${NUMBERED} FROM (SELECT * FROM ${all} ORDER BY ${STAGED_ORDER}))
    TO ${sqlString(facts)} (${UNCOMPRESSED}, ROW_GROUP_SIZE ${STAGED_ROW_GROUP_ROWS})`)
  return facts
}

/** Range by range, each into a file: identities of all facts at once would need memory that grows with them. */
async function gatherUids(engine: Engine, facts: string, rows: number, folder: string): Promise<void> {
  const parts: string[] = []
  for (let from = 0; from < Math.max(rows, 1); from += UIDS_PER_STATEMENT) {
    const part = join(folder, `uids-${parts.length}.parquet`)
    await engine.run(`COPY (
      SELECT min(fact_row)::INTEGER AS first_row, encode(coalesce(string_agg(fact_uid, '' ORDER BY fact_row), '')) AS uids
      FROM ${readParquet([facts])} WHERE fact_row >= ${from} AND fact_row < ${from + UIDS_PER_STATEMENT}
      GROUP BY fact_row // ${UIDS_PER_BLOB} ORDER BY 1) TO ${sqlString(part)} (${UNCOMPRESSED})`)
    parts.push(part)
  }
  await engine.run(
    `COPY (FROM ${readParquet(parts)}) TO ${sqlString(join(folder, 'uids.parquet'))} (${UNCOMPRESSED}, ROW_GROUP_SIZE 2048)`,
  )
  for (const part of parts) rmSync(part)
}
