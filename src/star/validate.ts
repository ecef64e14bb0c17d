/** Checks of the input that need its rows: keys that differ, and how often the traps of design §3 occur. */
import type { Config, TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier } from '../engine/sql.js'
import { Etl3Error, InputError } from '../runtime/errors.js'
import { CONTRACT, contractOf } from './contract.js'
import { type FileSchema, readSchema, selectInput, unreadable } from './file-schema.js'
import type { InputTable } from './inputs.js'

/** An input table with the schema of each of its files. */
export interface CheckedTable {
  readonly name: TableName
  readonly files: readonly { readonly path: string; readonly local?: string; readonly schema: FileSchema }[]
}

/** What the checks found in one table. */
export interface TableFindings {
  readonly name: TableName
  readonly files: number
  readonly rows: number
  readonly missingOptional: readonly string[]
  readonly extra: readonly string[]
  /** Rows that repeat another one in all columns that ETL3 reads. They count once. */
  readonly equalDuplicates: number
  /** Keys whose rows differ. More than 0 stops the run, unless `input.duplicates` is `first`. */
  readonly differingKeys: number
  /** Rows with a NULL in the key. They never join. */
  readonly nullKeys: number
}

/** Reads all schemas. @throws InputError as {@link readSchema}, and ETL3-IN-07 when there is no fact at all */
export async function checkSchemas(tables: readonly InputTable[], engine: Engine): Promise<CheckedTable[]> {
  const checked: CheckedTable[] = []
  for (const table of tables) {
    const files: { path: string; schema: FileSchema }[] = []
    for (const file of table.files) files.push({ path: file.path, schema: await readSchema(table.name, file, engine) })
    checked.push({ name: table.name, files })
  }
  const facts = checked.find((t) => t.name === 'fact_rate')
  if (!facts || facts.files.every((f) => f.schema.rows === 0)) {
    throw new InputError(
      'ETL3-IN-07',
      `fact_rate holds no rows [${facts?.files.map((f) => `file=${f.path}`).join(', ')}]`,
      {
        hint: 'An empty fact table would empty the published table. Check the pipeline that wrote it.',
      },
    )
  }
  return checked
}

/**
 * Counts duplicates and NULL keys of every dimension. Facts are checked by the quality rules.
 *
 * @throws InputError ETL3-IN-08 when keys have differing rows: they would multiply rows of the table
 */
export async function checkKeys(
  tables: readonly CheckedTable[],
  duplicates: Config['input']['duplicates'],
  engine: Engine,
): Promise<TableFindings[]> {
  const findings: TableFindings[] = []
  const problems: string[] = []
  for (const table of tables) {
    const found =
      table.name === 'fact_rate'
        ? { equalDuplicates: 0, differingKeys: 0, nullKeys: 0, example: '' }
        : await readableKeysOf(table, engine)
    if (found.differingKeys > 0 && duplicates === 'error') {
      const files = table.files.map((f) => f.path).join(', ')
      problems.push(
        `${table.name} has ${found.differingKeys} keys with differing rows [file=${files}, first key=${found.example}]`,
      )
    }
    findings.push({
      name: table.name,
      files: table.files.length,
      rows: table.files.reduce((sum, f) => sum + f.schema.rows, 0),
      missingOptional: [...new Set(table.files.flatMap((f) => f.schema.missingOptional))],
      extra: [...new Set(table.files.flatMap((f) => f.schema.extra))],
      equalDuplicates: found.equalDuplicates,
      differingKeys: found.differingKeys,
      nullKeys: found.nullKeys,
    })
  }
  if (problems.length > 0) {
    throw new InputError('ETL3-IN-08', problems.join('; '), {
      hint: 'Keep one row per key, or set input.duplicates: first to take the first one in order of all columns.',
    })
  }
  return findings
}

interface KeyFindings {
  readonly equalDuplicates: number
  readonly differingKeys: number
  readonly nullKeys: number
  readonly example: string
}

/** A footer may be whole while the pages are damaged: what the engine then says does not name the file. */
async function readableKeysOf(table: CheckedTable, engine: Engine): Promise<KeyFindings> {
  try {
    return await keysOf(table, engine)
  } catch (error) {
    if (error instanceof Etl3Error) throw error
    throw unreadable(table.name, table.files.map((f) => f.path).join(', '), error)
  }
}

async function keysOf(table: CheckedTable, engine: Engine): Promise<KeyFindings> {
  const contract = contractOf(table.name)
  if (table.files.length === 0) return { equalDuplicates: 0, differingKeys: 0, nullKeys: 0, example: '' }
  const input = selectInput(table.name, table.files)
  const key = contract.key.map(sqlIdentifier)
  const all = contract.columns.map((c) => sqlIdentifier(c.name)).join(', ')
  // Most tables repeat nothing. Hashes that all differ prove it and cost little; where two are equal, by chance or not,
  // the rows themselves are looked at.
  if (key.length === 0) {
    const repeated = await engine.count(`SELECT count(*) - count(DISTINCT hash(${all})) FROM (${input})`)
    const equal =
      repeated === 0
        ? 0
        : await engine.count(
            `SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT ${all} FROM (${input}))) FROM (${input})`,
          )
    return { equalDuplicates: equal, differingKeys: 0, nullKeys: 0, example: '' }
  }
  const relevant = RELEVANT_ROWS[table.name] ?? 'true'
  const nullKey = key.map((k) => `${k} IS NULL`).join(' OR ')
  const counts = await engine.row(
    `SELECT count(*)::BIGINT AS rows, count(*) FILTER (${nullKey})::BIGINT AS nulls,
      count(DISTINCT hash(${key.join(', ')})) FILTER (NOT (${nullKey}))::BIGINT AS hashes FROM (${input}) WHERE ${relevant}`,
  )
  const rows = Number(counts['rows']) - Number(counts['nulls'])
  if (Number(counts['hashes']) === rows) {
    return { equalDuplicates: 0, differingKeys: 0, nullKeys: Number(counts['nulls']), example: '' }
  }
  const differing = await engine.row(`WITH d AS (
      SELECT ${key.join(', ')}, count(*) AS versions FROM (SELECT DISTINCT ${all} FROM (${input}) WHERE ${relevant} AND NOT (${nullKey})) GROUP BY ${key.join(', ')})
    SELECT sum(versions)::BIGINT AS distinct_rows, count(*) FILTER (versions > 1)::BIGINT AS differing,
      min(concat_ws('/', ${key.join(', ')})) FILTER (versions > 1) AS example FROM d`)
  return {
    equalDuplicates: rows - Number(differing['distinct_rows']),
    differingKeys: Number(differing['differing']),
    nullKeys: Number(counts['nulls']),
    example: String(differing['example'] ?? ''),
  }
}

/** Rows that the joins look at; what lies outside them multiplies nothing. */
const RELEVANT_ROWS: Partial<Record<TableName, string>> = {
  dim_npi_address: "address_purpose = 'LOCATION'",
  dim_npi_address_geolocation: "address_purpose = 'LOCATION'",
  bench_medicare_professional: "coalesce(modifier, '') = ''",
}

/** Selects of all tables, by name, as the contract wants them. */
export function selectInputs(tables: readonly CheckedTable[]): Map<TableName, string> {
  return new Map(
    CONTRACT.map(({ name }) => [name, selectInput(name, tables.find((t) => t.name === name)?.files ?? [])]),
  )
}
