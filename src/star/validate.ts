/** Checks of the input that need its rows: keys that differ, and how often the traps of real files occur (docs/guarantees.md). */
import type { Config, TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier } from '../engine/sql.js'
import { InputError } from '../runtime/errors.js'
import { countOf, countText } from '../runtime/figures.js'
import { chosenRows } from './chosen-rows.js'
import { CONTRACT, type ContractTable, contractOf } from './contract.js'
import { explainReading } from './explain-reading.js'
import { type CheckedFile, readSchemas, selectInput } from './file-schema.js'
import type { InputTable } from './inputs.js'
import { findOddTexts, type OddTexts } from './odd-texts.js'
import { checkValues, type PaddedCodes } from './value-checks.js'

/** An input table with the schema of each of its files. */
export interface CheckedTable {
  readonly name: TableName
  readonly files: readonly CheckedFile[]
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
  /** Rows with a NULL in a required column of the key. They never join. */
  readonly nullKeys: number
  /** Codes that were stored as numbers, and are read with the zeros in front. */
  readonly paddedCodes: readonly PaddedCodes[]
  readonly oddTexts: readonly OddTexts[]
}

/** A fact has a number of 32 bits, its row among the staged ones. */
const MOST_FACTS = 2 ** 31 - 1

/**
 * Reads all schemas.
 * @throws InputError as {@link readSchemas}; ETL3-IN-07 when there is no fact at all, ETL3-IN-13 when there are too many
 */
export async function checkSchemas(tables: readonly InputTable[], engine: Engine): Promise<CheckedTable[]> {
  const checked: CheckedTable[] = []
  for (const table of tables) {
    const schemas = await readSchemas(table.name, table.files, engine)
    const files = table.files.flatMap(({ path }, i): CheckedFile[] => {
      const schema = schemas[i]
      return schema ? [{ path, schema }] : []
    })
    checked.push({ name: table.name, files })
  }
  const facts = checked.find((t) => t.name === 'fact_rate')
  if (!facts || facts.files.every((f) => f.schema.rows === 0)) {
    throw new InputError('ETL3-IN-07', `fact_rate holds no rows [${namesOf(facts?.files ?? [])}]`, {
      hint: 'An empty fact table would empty the published table. Check the pipeline that wrote it.',
    })
  }
  requireCountable(facts.files)
  return checked
}

/** @throws InputError ETL3-IN-13 when a run cannot number so many facts */
export function requireCountable(files: readonly { readonly schema: { readonly rows: number } }[]): void {
  const facts = files.reduce((sum, { schema }) => sum + schema.rows, 0)
  if (facts <= MOST_FACTS) return
  throw new InputError(
    'ETL3-IN-13',
    `fact_rate holds ${countText(facts)} rows, and a run takes at most ${countText(MOST_FACTS)}`,
    {
      hint: 'Give parts of the facts tables of their own: a configuration for each payer or year, with its own files in input.tables.fact_rate and its own output.uri and output.metadata_uri.',
    },
  )
}

/** A message is kept with the run's history: it names a few files, not thousands. */
const FILES_IN_MESSAGE = 5

function namesOf(files: CheckedTable['files']): string {
  const named = files.slice(0, FILES_IN_MESSAGE).map((f) => `file=${f.path}`)
  const others = files.length - named.length
  return [...named, ...(others > 0 ? [`and ${countOf(others, 'other file')}`] : [])].join(', ')
}

/**
 * Looks at values that the contract may not take, and counts duplicates and NULL keys of every dimension. Facts are
 * checked by the quality rules.
 *
 * @throws InputError as {@link checkValues}, and ETL3-IN-03 when rows cannot be read
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
    const { paddedCodes, oddTexts, ...found } = await explainReading([table], engine, async () => ({
      paddedCodes: await checkValues(table.name, table.files, engine),
      oddTexts: await findOddTexts(table.name, table.files, engine),
      ...(table.name === 'fact_rate' ? NO_KEYS : await keysOf(table, engine)),
    }))
    if (found.differingKeys > 0 && duplicates === 'error') {
      problems.push(
        `${table.name} has ${found.differingKeys} keys with differing rows [${namesOf(table.files)}, first key=${found.example}]`,
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
      paddedCodes,
      oddTexts,
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

const NO_KEYS: KeyFindings = { equalDuplicates: 0, differingKeys: 0, nullKeys: 0, example: '' }

async function keysOf(table: CheckedTable, engine: Engine): Promise<KeyFindings> {
  const contract = contractOf(table.name)
  if (table.files.length === 0) return NO_KEYS
  const input = chosenRows(table.name, selectInput(table.name, table.files))
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
  const nullKey = joined(contract)
    .map((k) => `${sqlIdentifier(k)} IS NULL`)
    .join(' OR ')
  const counts = await engine.row(
    `SELECT count(*)::BIGINT AS rows, count(*) FILTER (${nullKey})::BIGINT AS nulls,
      count(DISTINCT hash(${key.join(', ')})) FILTER (NOT (${nullKey}))::BIGINT AS hashes FROM (${input})`,
  )
  const rows = Number(counts['rows']) - Number(counts['nulls'])
  if (Number(counts['hashes']) === rows) {
    return { equalDuplicates: 0, differingKeys: 0, nullKeys: Number(counts['nulls']), example: '' }
  }
  const differing = await engine.row(`WITH d AS (
      SELECT ${key.join(', ')}, count(*) AS versions FROM (SELECT DISTINCT ${all} FROM (${input}) WHERE NOT (${nullKey})) GROUP BY ${key.join(', ')})
    SELECT sum(versions)::BIGINT AS distinct_rows, count(*) FILTER (versions > 1)::BIGINT AS differing,
      min(concat_ws('/', ${key.join(', ')})) FILTER (versions > 1) AS example FROM d`)
  return {
    equalDuplicates: rows - Number(differing['distinct_rows']),
    differingKeys: Number(differing['differing']),
    nullKeys: Number(counts['nulls']),
    example: String(differing['example'] ?? ''),
  }
}

/** Columns of the key that rows are joined by. An optional one tells rows apart: those without it are of one key. */
function joined({ key, columns }: ContractTable): readonly string[] {
  return key.filter((name) => columns.some((column) => column.name === name && column.required))
}

/** Selects of all tables, by name, as the contract wants them. */
export function selectInputs(tables: readonly CheckedTable[]): Map<TableName, string> {
  return new Map(
    CONTRACT.map(({ name }) => [name, selectInput(name, tables.find((t) => t.name === name)?.files ?? [])]),
  )
}
