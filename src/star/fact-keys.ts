/**
 * The ids of a fact's dimensions in place of its keys. A dimension of the facts' own values (attributes, groups) can have as
 * many entries as there are facts; then facts and entries are both written by a hash of their keys, and joined shard by
 * shard, so that one shard of entries is in memory at a time. Everything else spills.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { writeShards } from './shards.js'

/** Local paths of the staged dimension files that facts are joined to. */
export interface FactDimensions {
  readonly attrs: string
  readonly codes: string
  readonly groups: string
  readonly code_parts: string
  readonly group_parts: string
}

/** What of a fact is its attributes. */
export const ATTR_KEYS = [
  'payer_slug',
  'billing_class',
  'state',
  'year_month',
  'negotiated_type',
  'negotiation_arrangement',
  'expiration_date',
  'pos_set_id',
  'reporting_entity_name',
] as const

/** A dimension as the facts name it. */
interface KeyedDimension {
  readonly file: 'attrs' | 'codes' | 'groups'
  /** Columns of the facts; the dimension has each as `key_<name>`. */
  readonly keys: readonly string[]
  /** What a fact gets for them. */
  readonly ids: readonly string[]
}

const DIMENSIONS: readonly KeyedDimension[] = [
  { file: 'attrs', keys: ATTR_KEYS, ids: ['attr_id', 'attr_part'] },
  { file: 'codes', keys: ['code_type', 'code'], ids: ['code_id', 'code_rank', 'code_part'] },
  { file: 'groups', keys: ['pg_uid', 'provider_group_id_raw'], ids: ['group_id', 'group_part'] },
]

/** Entries of a dimension that are joined at once: some 30 MB of the engine's memory. */
const ENTRIES_AT_ONCE = 100_000

/**
 * A SELECT of facts with `attr_id`, `attr_part`, `code_id`, `code_rank`, `code_part`, `group_id` and `group_part` in place of
 * their keys, and with all their other columns. Tables that it needs stay in the engine until that is closed.
 *
 * @param select of facts as the contract wants them
 * @param scratch local folder for files of its own; whoever gives it removes it where this fails
 * @param entriesAtOnce entries of a dimension that may be joined at once
 */
export async function withDimensionIds(
  engine: Engine,
  select: string,
  dimensions: FactDimensions,
  scratch: string,
  entriesAtOnce = ENTRIES_AT_ONCE,
): Promise<string> {
  let facts = select
  for (const dimension of DIMENSIONS) {
    const path = dimensions[dimension.file]
    const entries = await engine.count(`SELECT count(*) FROM ${readParquet([path])}`)
    facts =
      entries <= entriesAtOnce
        ? joined(dimension, facts, readParquet([path]))
        : await joinedInShards(engine, dimension, { facts, path, scratch, shards: Math.ceil(entries / entriesAtOnce) })
  }
  return facts
}

/** Facts, and the entries of a dimension that are too many for the memory. */
interface ShardedJoin {
  /** A SELECT. */
  readonly facts: string
  /** Of the dimension's file. */
  readonly path: string
  readonly shards: number
  readonly scratch: string
}

function joined({ keys, ids }: KeyedDimension, facts: string, entries: string): string {
  const same = keys.map((key) => `d.key_${key} IS NOT DISTINCT FROM f.${key}`)
  return `SELECT f.* EXCLUDE (${keys.join(', ')}), ${ids.map((id) => `d.${id}`).join(', ')}
    FROM (${facts}) f JOIN ${entries} d ON ${same.join(' AND ')}`
}

async function joinedInShards(
  engine: Engine,
  dimension: KeyedDimension,
  { facts, path, shards, scratch }: ShardedJoin,
): Promise<string> {
  const { file, keys, ids } = dimension
  const ofDimension = keys.map((key) => `key_${key}`)
  const factsOf = await writeShards(engine, {
    select: facts,
    columns: keys,
    shards,
    folder: join(scratch, `facts-by-${file}`),
  })
  const entriesOf = await writeShards(engine, {
    select: `SELECT ${[...ofDimension, ...ids].join(', ')} FROM ${readParquet([path])}`,
    columns: ofDimension,
    shards,
    folder: join(scratch, `entries-of-${file}`),
  })
  const table = `facts_with_${file}`
  await engine.run(
    `CREATE OR REPLACE TABLE ${table} AS SELECT * FROM (${joined(dimension, facts, readParquet([path]))}) LIMIT 0`,
  )
  for (let shard = 0; shard < shards; shard++) {
    const [some, entries] = [factsOf(shard), entriesOf(shard)]
    if (some && entries) await engine.run(`INSERT INTO ${table} ${joined(dimension, `FROM ${some}`, entries)}`)
  }
  rmSync(scratch, { recursive: true })
  return `SELECT * FROM ${table}`
}
