/** Where facts that break rules come from: payer and input file, counted in one more scan of the facts. */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { FILE_NUMBER, hasFileNumbers } from '../star/file-number.js'
import type { RuleSources } from './quality-record.js'

/** Sources of a rule that are told one by one. */
const MOST_SOURCES = 5

/** Columns that a scan of the facts needs for {@link takeRuleSources}: `payer` and `file_no`. */
export async function sourceColumns(
  engine: Engine,
  { facts, factFiles }: { readonly facts: string; readonly factFiles: readonly string[] },
): Promise<string> {
  return `a.key_payer_slug AS payer, ${await fileNumberSql(engine, facts, factFiles.length)} AS file_no`
}

async function fileNumberSql(engine: Engine, facts: string, files: number): Promise<string> {
  if (files === 1) return '0'
  const isNumbered = await hasFileNumbers(engine, `SELECT * FROM ${readParquet([facts])}`)
  return isNumbered ? `f.${FILE_NUMBER}` : 'NULL::INTEGER'
}

/**
 * Counts the facts that break rules by their source.
 *
 * @param scan a SELECT with the {@link sourceColumns}, and `applies_<rule>` and `broken_<rule>` of these rules
 * @param factFiles input files of the facts, by their numbers
 */
export async function takeRuleSources(
  engine: Engine,
  scan: string,
  rules: readonly number[],
  factFiles: readonly string[],
): Promise<ReadonlyMap<number, RuleSources>> {
  const sources = new Map<number, RuleSources>()
  if (rules.length === 0) return sources
  const counts = rules.map((i) => `count(*) FILTER (applies_${i} AND broken_${i})::BIGINT AS failed_${i}`)
  await engine.run(
    `CREATE TEMP TABLE broken_by_source AS SELECT payer, file_no, ${counts.join(', ')} FROM (${scan}) GROUP BY payer, file_no`,
  )
  for (const i of rules) sources.set(i, await sourcesOf(engine, `failed_${i}`, factFiles))
  await engine.run('DROP TABLE broken_by_source')
  return sources
}

async function sourcesOf(engine: Engine, failed: string, factFiles: readonly string[]): Promise<RuleSources> {
  const rows = await engine.rows(`SELECT payer, file_no, ${failed} AS failed, count(*) OVER () AS sources,
      sum(${failed}) OVER ()::BIGINT AS all_failed
    FROM broken_by_source WHERE ${failed} > 0 ORDER BY failed DESC, payer NULLS FIRST, file_no LIMIT ${MOST_SOURCES}`)
  const first = rows.map(({ payer, file_no, failed }) => ({
    payer: payer === null || payer === undefined ? null : String(payer),
    file: file_no === null ? null : (factFiles[Number(file_no)] ?? null),
    failed: Number(failed),
  }))
  const told = first.reduce((sum, source) => sum + source.failed, 0)
  const [any] = rows
  return {
    first,
    others: {
      sources: Number(any?.['sources'] ?? 0) - first.length,
      failed: Number(any?.['all_failed'] ?? 0) - told,
    },
  }
}
