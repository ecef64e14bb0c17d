/** The quarantine of a run: the facts that its screen set aside, in full, each with the rule. */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { ObjectNotFound } from '../lake/object-store.js'
import { screenRecordSchema } from '../quality/quality-record.js'
import { QUARANTINE, SCREEN_RECORD } from '../records/names.js'
import type { RunRecords } from '../records/records.js'
import { InputError } from '../runtime/errors.js'
import type { FactSetAside } from './followed-row.js'

/** A quarantine that can be read. */
export interface Quarantine {
  /** Full address, for people. */
  readonly address: string
  /** SQL that gives its rows. */
  readonly source: string
}

/**
 * Finds the quarantine of a run.
 * @param scratch folder for a copy where it lies in a bucket
 * @throws InputError ETL3-WH-04 where it is not there any more
 */
export async function findQuarantine(records: RunRecords, scratch: string, signal: AbortSignal): Promise<Quarantine> {
  const address = records.store.locate(records.key(QUARANTINE))
  try {
    const local = await records.store.fetchLocal(records.key(QUARANTINE), scratch, signal)
    return { address, source: readParquet([local]) }
  } catch (cause) {
    if (!(cause instanceof ObjectNotFound)) throw cause
    throw new InputError('ETL3-WH-04', `the quarantine of the published run is not there [file=${address}]`, {
      hint: 'Restore it from a copy.',
      cause,
    })
  }
}

/**
 * The facts of a quarantine for which a condition holds.
 * @param condition SQL over its columns
 */
export async function factsSetAside(
  engine: Pick<Engine, 'rows'>,
  { source }: Quarantine,
  condition: string,
  records: RunRecords,
  signal: AbortSignal,
): Promise<FactSetAside[]> {
  const rows = await engine.rows(
    `SELECT rule, found, pg_uid FROM ${source} WHERE ${condition} ORDER BY rule, found, pg_uid`,
  )
  if (rows.length === 0) return []
  const screen = await records.find(SCREEN_RECORD, (value) => screenRecordSchema.parse(value), signal)
  const meanings = new Map(screen?.rules.map(({ name, meaning }) => [name, meaning]))
  return rows.map(({ rule, found, pg_uid }) => ({
    rule: String(rule),
    meaning: meanings.get(String(rule)) ?? null,
    found: String(found),
    pgUid: pg_uid === null ? null : String(pg_uid),
  }))
}
