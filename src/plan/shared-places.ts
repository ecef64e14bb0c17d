/**
 * Partitions that would share a place: two of one key, or folders that the table's file system takes for the same (upper
 * and lower case, two spellings of one letter, a dot or a blank at the end). One of them would hide the other's rows,
 * so they are refused before anything is written.
 */

import type { Engine } from '../engine/engine.js'
import { sqlString } from '../engine/sql.js'
import { decodePartitionValue } from '../lake/keys.js'
import { InputError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import type { ValuesInSql } from './partition-values.js'

/** What is compared. */
export interface PlacesInput {
  /** With the tables `inventory` (ordinal, slice_id, cell_id, key) and `observed` (key). */
  readonly engine: Engine
  readonly partitionColumns: readonly string[]
  readonly values: ValuesInSql
  /** Whether two names of one folder are two places in the table's store. */
  readonly tellsApart: (first: string, second: string) => Promise<boolean>
}

/** @throws InputError ETL3-KE-05 where two partitions, or a new one and one that lies in the table, would share a place */
export async function refuseSharedPlaces(input: PlacesInput): Promise<void> {
  await refuseEqualKeys(input)
  for (const [i, column] of input.partitionColumns.entries()) {
    for (const [first, second] of await nearNames(input.engine, i + 1)) {
      if (await input.tellsApart(first, second)) continue
      const [one, other] = [first, second].map((name) => decodePartitionValue(name.slice(column.length + 1)) ?? 'NULL')
      throw sharedPlace(
        `the values ${shown(one ?? '', other ?? '')} and ${shown(other ?? '', one ?? '')} of ${column} are one folder on this disk`,
        'Make the values equal in the input, or put the table on a disk that tells them apart, or on S3.',
      )
    }
  }
}

/** Values are different and keys are made of them one to one; if that ever fails, it fails here. */
async function refuseEqualKeys({ engine, partitionColumns, values }: PlacesInput): Promise<void> {
  const rows = await engine.rows(`WITH twice AS (SELECT min(ordinal) AS first, max(ordinal) AS last FROM inventory
      GROUP BY md5_number(key) HAVING count(*) > 1 ORDER BY first LIMIT 1)
    SELECT i.key, ${values.columns} FROM inventory i JOIN twice ON i.ordinal IN (twice.first, twice.last) ${values.joins} ORDER BY i.ordinal`)
  const [one, other] = rows
  if (!one || !other) return
  const different = partitionColumns.filter((column) => one[column] !== other[column])
  const named = different.map((column) => {
    const [first, second] = [one[column], other[column]].map((value) => String(value ?? 'NULL'))
    return `the values ${shown(first ?? '', second ?? '')} and ${shown(second ?? '', first ?? '')} of ${column}`
  })
  throw sharedPlace(
    `two partitions have the key '${plainText(String(one['key']))}': ${named.join(', ')}`,
    'This is a defect of ETL3: please report it with the run folder. Equal values in the input avoid it.',
  )
}

/**
 * Pairs of different folder names, below one folder, that some file system could take for the same. Most tables have
 * none, which the few distinct names of a column tell; only then whole keys are compared.
 *
 * @param level from 1: which part of the keys
 */
async function nearNames(engine: Engine, level: number): Promise<(readonly [string, string])[]> {
  const name = `split_part(key, '/', ${level})`
  const near = await engine.count(`SELECT count(*) - count(DISTINCT ${folded('name')}) FROM (
    SELECT DISTINCT ${name} AS name FROM (SELECT key FROM inventory UNION ALL SELECT key FROM observed))`)
  if (near === 0) return []
  const rows = await engine.rows(`WITH folders AS (
      SELECT DISTINCT array_to_string(string_split(key, '/')[1:${level - 1}], '/') AS parent, ${name} AS name, ${folded(name)} AS folded
      FROM (SELECT key FROM inventory UNION ALL SELECT key FROM observed))
    SELECT DISTINCT a.name AS first, b.name AS second FROM folders a
    JOIN folders b ON b.parent = a.parent AND b.folded = a.folded AND b.name > a.name ORDER BY first, second`)
  return rows.map(({ first, second }) => [String(first), String(second)])
}

/** Characters that a file system may pass over: invisible ones, blanks, dots. */
const PASSED_OVER = sqlString('[\\p{C}\\p{Z}.]')

/** Coarser than any file system compares: what it makes equal is only asked about. */
function folded(name: string): string {
  return `regexp_replace(lower(upper(strip_accents(${name}))), ${PASSED_OVER}, '', 'g')`
}

/** A value in quotes; where it looks like the other one, with the numbers of its characters. */
function shown(value: string, other: string): string {
  const alike = value.normalize('NFKC') === other.normalize('NFKC')
  const text = plainText(value)
  return `'${alike ? text.replace(/[^ -~]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`) : text}'`
}

function sharedPlace(what: string, hint: string): InputError {
  return new InputError('ETL3-KE-05', `two partitions would share one place: ${what}`, { hint })
}
