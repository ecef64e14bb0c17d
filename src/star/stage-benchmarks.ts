/**
 * Stages the Medicare rows that the facts meet: of the codes that are paid in a state, in the newest year that is not
 * after the fact's. A star's file holds every code of every state, of which a run needs a small part.
 */
import { join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import { chosenRows } from './chosen-rows.js'
import { contentHash } from './content-hash.js'
import { STAGED_BENCHMARKS, type StagedPaths } from './staged-files.js'

const VALUES = [
  'benchmark_type',
  'medicare_prof_national',
  'medicare_prof_stateavg',
  'work_rvu',
  'practice_expense_rvu',
  'malpractice_rvu',
  'total_rvu',
  'conversion_factor',
] as const

/** What {@link stageBenchmarks} works on. */
export interface StageBenchmarksInput {
  readonly engine: Engine
  /** A SELECT over the benchmarks, as the contract wants it (`selectInput`). */
  readonly select: string
  /** Local paths of what is staged already. */
  readonly staged: Pick<StagedPaths, 'attrs' | 'codes' | 'npis' | 'members' | 'facts'>
  /** Folder in which the staged files are left. */
  readonly folder: string
}

/**
 * Writes `benchmarks.parquet` (`bench_id` ascends with code, state and year), `benchmark_keys.parquet` (which one is
 * due for a year, a code and a state) and `states.parquet`.
 *
 * @returns the number of benchmarks
 */
export async function stageBenchmarks({ engine, select, staged, folder }: StageBenchmarksInput): Promise<number> {
  const values = VALUES.map((v) => `b.${v}`).join(', ')
  const [type, ...numbers] = VALUES.map((v) => `b.${v}`)
  const order = [type, ...numbers.map((n) => `${n} + 0`), ...numbers.map((n) => `${n}::VARCHAR`)].join(', ')
  await engine.run(`CREATE TEMP TABLE asked AS ${await codesByState(engine, staged)}`)
  // One row per code, state and data_year: the newest year_month, then the first in order of all columns. The engine gives
  // back sorted doubles without the sign of a zero: so what is sorted is not what is taken, and text tells the two apart.
  await engine.run(`CREATE TEMP TABLE benchmark_rows AS
    SELECT * EXCLUDE (year_month, rank) FROM (
      SELECT a.code_id, b.state, b.data_year, b.year_month, ${values}, row_number() OVER (
        PARTITION BY a.code_id, b.state, b.data_year ORDER BY b.year_month DESC NULLS LAST, ${order}) AS rank
      FROM (${chosenRows('bench_medicare_professional', select)}) b
      JOIN ${readParquet([staged.codes])} c ON c.key_code_type = b.code_type AND c.key_code = b.code
      JOIN asked a ON a.code_id = c.code_id AND a.state = b.state)
    WHERE rank = 1`)
  await engine.run(`CREATE TEMP TABLE newest AS
    SELECT y.year, b.code_id, b.state, max(b.data_year) AS data_year
    FROM (SELECT DISTINCT year::INTEGER AS year FROM ${readParquet([staged.attrs])} WHERE year IS NOT NULL) y
    JOIN benchmark_rows b ON b.data_year <= y.year GROUP BY y.year, b.code_id, b.state`)
  await engine.run(`CREATE TEMP TABLE states AS
    SELECT (row_number() OVER (ORDER BY state) - 1)::INTEGER AS state_id, state FROM (SELECT DISTINCT state FROM newest)`)
  await engine.run(`CREATE TEMP TABLE numbered AS
    SELECT (row_number() OVER (ORDER BY b.code_id, b.state, b.data_year) - 1)::INTEGER AS bench_id, b.*
    FROM benchmark_rows b SEMI JOIN newest n ON n.code_id = b.code_id AND n.state = b.state AND n.data_year = b.data_year`)
  await engine.run(`CREATE TEMP TABLE benchmark_keys AS
    SELECT n.year, n.code_id, s.state_id, b.bench_id FROM newest n JOIN states s ON s.state = n.state
    JOIN numbered b ON b.code_id = n.code_id AND b.state = n.state AND b.data_year = n.data_year ORDER BY ALL`)
  await engine.run(`CREATE TEMP TABLE benchmarks AS
    SELECT *, ${contentHash('benchmark')} AS hash FROM (
      SELECT bench_id, benchmark_type, medicare_prof_national AS medicare_national_rate, medicare_prof_stateavg AS medicare_state_rate,
        work_rvu, practice_expense_rvu, malpractice_rvu, total_rvu, conversion_factor FROM numbered ORDER BY bench_id)`)
  for (const name of STAGED_BENCHMARKS)
    await engine.run(`COPY ${name} TO ${sqlString(join(folder, `${name}.parquet`))} (FORMAT parquet)`)
  return await engine.count('SELECT count(*) FROM benchmarks')
}

/** States in one BIGINT, a bit each. */
const STATES_PER_WORD = 63

/**
 * Codes with the states in which a fact may look for them: those of the group's providers, and that of its market.
 * Groups whose providers are in the same states count as one, so that the pairs grow with dimensions, not with facts. The
 * states of a group are bits of whole numbers: a list for each group would need memory that grows with the groups.
 */
async function codesByState(engine: Engine, staged: StageBenchmarksInput['staged']): Promise<string> {
  const [npis, members, facts] = [
    readParquet([staged.npis]),
    readParquet([staged.members]),
    readParquet([staged.facts]),
  ]
  const byMarket = `SELECT f.code_id, a.benchmark_state AS state FROM (SELECT DISTINCT code_id, attr_id FROM ${facts}) f
    JOIN ${readParquet([staged.attrs])} a ON a.attr_id = f.attr_id WHERE a.benchmark_state IS NOT NULL`
  await engine.run(`CREATE TEMP TABLE state_bits AS
    SELECT state, (row_number() OVER (ORDER BY state) - 1)::INTEGER AS bit
    FROM (SELECT DISTINCT benchmark_state AS state FROM ${npis} WHERE benchmark_state IS NOT NULL)`)
  const states = await engine.count('SELECT count(*) FROM state_bits')
  const words = Array.from({ length: Math.ceil(states / STATES_PER_WORD) }, (_, i) => `word_${i}`)
  if (words.length === 0) return byMarket
  const bits = words.map(
    (word, i) =>
      `bit_or(CASE WHEN b.bit // ${STATES_PER_WORD} = ${i} THEN 1::BIGINT << (b.bit % ${STATES_PER_WORD}) ELSE 0 END) AS ${word}`,
  )
  await engine.run(`CREATE TEMP TABLE states_of_groups AS SELECT m.group_id, ${bits.join(', ')}
    FROM ${members} m JOIN ${npis} n ON n.npi_id = m.npi_id JOIN state_bits b ON b.state = n.benchmark_state
    GROUP BY m.group_id`)
  const wordOfBit = `CASE b.bit // ${STATES_PER_WORD} ${words.map((word, i) => `WHEN ${i} THEN ${word}`).join(' ')} END`
  return `SELECT code_id, b.state FROM (
      SELECT DISTINCT f.code_id, ${words.join(', ')} FROM ${facts} f JOIN states_of_groups p ON p.group_id = f.group_id)
      JOIN state_bits b ON (${wordOfBit} >> (b.bit % ${STATES_PER_WORD})) & 1 = 1
    UNION ${byMarket}`
}
