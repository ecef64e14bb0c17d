/** Why partitions are written, kept or removed: the plan against what is published, and for some of them row by row. */

import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { encodePartitionValue } from '../lake/keys.js'
import { manifestRelation } from '../partition-files/manifest-file.js'
import { type PlanAction, planAction } from '../partition-files/plan-action.js'
import { planRelation } from '../partition-files/plan-file.js'
import { UsageError } from '../runtime/errors.js'
import { DICTIONARY } from '../star/dictionary.js'
import { enrichInSql } from '../star/enriched-sql.js'
import type { StagedPaths } from '../star/staged-files.js'

/** Why a partition is planned as it is. */
export type Reason =
  /** There was no such partition. */
  | 'new'
  /** What it holds has changed. */
  | 'content'
  /** Its content is the same, and its object is not the one that was published. */
  | 'object-changed'
  /** Its object is gone from the table. */
  | 'object-missing'
  /** An object of an unfinished publication lies there. */
  | 'leftover'
  /** Nothing has changed. */
  | 'same'
  /** No row belongs there any more. */
  | 'empty'

/** One partition, and why. */
export interface ExplainedPartition {
  readonly key: string
  readonly action: PlanAction
  readonly reason: Reason
  readonly rows: number
  readonly facts: number
  /** Of the published partition; undefined where there is none. */
  readonly rowsBefore: number | undefined
  readonly factsBefore: number | undefined
  /** Ids by which its rows are found among the staged files; −1 for one that is removed. */
  readonly slice: number
  readonly cell: number
}

/** How many partitions have which reason. */
export interface ReasonCount {
  readonly action: PlanAction
  readonly reason: Reason
  readonly partitions: number
  readonly rows: number
}

/** What changed inside of a partition. */
export interface ContentChange {
  readonly rowsAdded: number
  readonly rowsRemoved: number
  /** Rows of the same fact and provider with another value in some column. */
  readonly rowsChanged: number
  readonly factsAdded: number
  readonly factsRemoved: number
  readonly providersAdded: number
  readonly providersRemoved: number
  /** Columns in which rows differ, with how many rows, the most first. */
  readonly columns: readonly { readonly name: string; readonly rows: number }[]
  /** The first few of each, in order. */
  readonly examples: {
    readonly factsAdded: readonly string[]
    readonly factsRemoved: readonly string[]
    readonly factsChanged: readonly string[]
  }
}

const EXAMPLES = 3

const REASON = `CASE p.action
  WHEN 'keep' THEN 'same'
  WHEN 'remove' THEN CASE WHEN m.key IS NULL THEN 'leftover' ELSE 'empty' END
  WHEN 'add' THEN CASE WHEN m.key IS NULL THEN 'new' ELSE 'object-missing' END
  ELSE CASE WHEN m.key IS NULL THEN 'leftover' WHEN m.fingerprint = p.fingerprint THEN 'object-changed' ELSE 'content' END END`

/** The plan of a run beside the manifest of the published one. */
export class PlanReasons {
  readonly #engine: Engine

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** @param manifest undefined when nothing is published yet */
  static async open(engine: Engine, plan: string, manifest: string | undefined): Promise<PlanReasons> {
    const planned = planRelation([plan], {
      columns: ['key', 'action', 'rows', 'facts', 'fingerprint', 'slice_id', 'cell_id'],
    })
    const before = manifestRelation(manifest === undefined ? [] : [manifest], {
      columns: ['key', 'rows', 'facts', 'fingerprint'],
    })
    await engine.run(`CREATE TEMP TABLE reasons AS
      SELECT p.key, p.action, ${REASON} AS reason, CASE WHEN p.action = 'remove' THEN 0 ELSE p.rows END AS rows, p.facts,
        m.rows AS rows_before, m.facts AS facts_before, p.slice_id, p.cell_id
      FROM ${planned} p LEFT JOIN ${before} m ON m.key = p.key`)
    return new PlanReasons(engine)
  }

  /** How many partitions have which reason, those that are written first. */
  async counts(): Promise<ReasonCount[]> {
    const rows =
      await this.#engine.rows(`SELECT * FROM (SELECT action, reason, count(*)::BIGINT AS partitions, sum(rows)::BIGINT AS rows
      FROM reasons GROUP BY action, reason) ORDER BY list_position(['replace', 'add', 'remove', 'keep'], action), reason`)
    return rows.map((row) => ({
      action: planAction(row['action']),
      reason: reasonOf(row['reason']),
      partitions: Number(row['partitions']),
      rows: Number(row['rows']),
    }))
  }

  /** Partitions that are not kept: those whose content changed first, the largest before the smaller ones. */
  async changed(top: number): Promise<ExplainedPartition[]> {
    return await this.#read(`action <> 'keep'`, top)
  }

  /**
   * Partitions that a person names: a key, its folder, or some `column=value` joined by slashes. Values may stand as
   * they are or as in the path.
   *
   * @throws UsageError ETL3-PL-04 when there is none
   */
  async named(words: string, most: number): Promise<ExplainedPartition[]> {
    const parts = words.split('/').filter((part) => part.includes('='))
    const whole = `key = ${sqlString(words)} OR starts_with(key, ${sqlString(words.replace(/\/*$/, '/'))})`
    const each = parts.map((part) => {
      const [column = '', ...value] = part.split('=')
      const raw = value.join('=')
      return `(${contains(`${column}=${raw}`)} OR ${contains(`${column}=${encodePartitionValue(raw)}`)})`
    })
    const found = await this.#read(`${whole}${each.length === 0 ? '' : ` OR (${each.join(' AND ')})`}`, most)
    if (found.length > 0) return found
    throw new UsageError('ETL3-PL-04', `the plan has no partition ${JSON.stringify(words)}`, {
      hint: "Name a key, or some of its parts: 'payer_slug=aetna/state=MN'.",
    })
  }

  async #read(where: string, most: number): Promise<ExplainedPartition[]> {
    const rows = await this.#engine.rows(`SELECT * FROM reasons WHERE ${where}
      ORDER BY list_position(['content', 'object-changed', 'object-missing', 'leftover', 'new', 'empty', 'same'], reason), rows DESC, key LIMIT ${most}`)
    return rows.map((row) => ({
      key: String(row['key']),
      action: planAction(row['action']),
      reason: reasonOf(row['reason']),
      rows: Number(row['rows']),
      facts: Number(row['facts']),
      rowsBefore: row['rows_before'] === null ? undefined : Number(row['rows_before']),
      factsBefore: row['facts_before'] === null ? undefined : Number(row['facts_before']),
      slice: Number(row['slice_id']),
      cell: Number(row['cell_id']),
    }))
  }
}

/**
 * Compares the rows that a partition will have with those of its published file.
 *
 * @param file local path of the published object
 */
export async function compareContent(
  engine: Engine,
  paths: StagedPaths,
  partition: { readonly slice: number; readonly cell: number },
  file: string,
): Promise<ContentChange> {
  for (const statement of enrichInSql(paths, [{ ordinal: 0, ...partition }])) await engine.run(statement)
  const present = new Set(
    (await engine.column(`SELECT column_name FROM (DESCRIBE FROM ${readParquet([file])})`)).map(String),
  )
  const columns = DICTIONARY.filter(({ name }) => name !== 'fact_uid' && name !== 'npi')
  const differs = columns.map(({ name }) => {
    const id = sqlIdentifier(name)
    return present.has(name) ? `n.${id} IS DISTINCT FROM o.${id}` : `n.${id} IS NOT NULL`
  })
  const same = 'n.fact_uid IS NOT DISTINCT FROM o.fact_uid AND n.npi IS NOT DISTINCT FROM o.npi'
  try {
    await engine.run(`CREATE OR REPLACE TEMP TABLE before AS SELECT * FROM ${readParquet([file])}`)
    await engine.run(`CREATE OR REPLACE TEMP TABLE after AS SELECT * FROM enriched`)
    const counts = await engine.row(`SELECT
      (SELECT count(*) FROM after n ANTI JOIN before o ON ${same})::BIGINT AS rows_added,
      (SELECT count(*) FROM before o ANTI JOIN after n ON ${same})::BIGINT AS rows_removed,
      (SELECT count(DISTINCT npi) FROM after WHERE npi NOT IN (SELECT npi FROM before WHERE npi IS NOT NULL))::BIGINT AS providers_added,
      (SELECT count(DISTINCT npi) FROM before WHERE npi NOT IN (SELECT npi FROM after WHERE npi IS NOT NULL))::BIGINT AS providers_removed`)
    const changed = await engine.row(`SELECT count(*) FILTER (${differs.join(' OR ')})::BIGINT AS n,
      ${differs.map((condition, i) => `count(*) FILTER (${condition})::BIGINT AS c${i}`).join(', ')}
      FROM after n JOIN before o ON ${same}`)
    const facts = async (from: string, notIn: string): Promise<string[]> =>
      (
        await engine.column(`SELECT DISTINCT fact_uid FROM ${from} WHERE fact_uid IS NOT NULL
        AND fact_uid NOT IN (SELECT fact_uid FROM ${notIn} WHERE fact_uid IS NOT NULL) ORDER BY fact_uid`)
      ).map(String)
    const factsAdded = await facts('after', 'before')
    const factsRemoved = await facts('before', 'after')
    const factsChanged = await engine.column(
      `SELECT DISTINCT n.fact_uid FROM after n JOIN before o ON ${same} WHERE ${differs.join(' OR ')} ORDER BY 1 LIMIT ${EXAMPLES}`,
    )
    return {
      rowsAdded: Number(counts['rows_added']),
      rowsRemoved: Number(counts['rows_removed']),
      rowsChanged: Number(changed['n']),
      factsAdded: factsAdded.length,
      factsRemoved: factsRemoved.length,
      providersAdded: Number(counts['providers_added']),
      providersRemoved: Number(counts['providers_removed']),
      columns: columns
        .map(({ name }, i) => ({ name, rows: Number(changed[`c${i}`] ?? 0) }))
        .filter(({ rows }) => rows > 0)
        .sort((a, b) => b.rows - a.rows),
      examples: {
        factsAdded: factsAdded.slice(0, EXAMPLES),
        factsRemoved: factsRemoved.slice(0, EXAMPLES),
        factsChanged: factsChanged.map(String),
      },
    }
  } finally {
    await engine.run('DROP VIEW enriched')
    for (const table of ['enriched_ids', 'enriched_benchmarks']) await engine.run(`DROP TABLE ${table}`)
  }
}

function contains(part: string): string {
  return `contains('/' || key, ${sqlString(`/${part}/`)})`
}

const REASONS: readonly Reason[] = ['new', 'content', 'object-changed', 'object-missing', 'leftover', 'same', 'empty']

function reasonOf(value: unknown): Reason {
  const reason = REASONS.find((known) => known === value)
  if (reason === undefined) throw new Error(`there is no reason '${String(value)}'`)
  return reason
}
