/**
 * The rules on words that decide something: which of them stand in no specification, how often they occur, and what they
 * were read as. Each distinct word is looked at once; how often it occurs is known from the weights of the entries.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { countOf } from '../runtime/figures.js'
import type { StagedPaths } from '../star/staged-files.js'
import {
  ADDRESS_PURPOSE,
  CODE_TYPE,
  COUNTRY,
  ENUMERATION_TYPE,
  MODIFIER,
  NEGOTIATED_TYPE,
  SOLE_PROPRIETOR,
  type Vocabulary,
} from '../star/vocabulary.js'
import { isPublishedSql, readAsSql } from '../star/vocabulary-sql.js'
import { type ActiveRule, MOST_EXAMPLES, resultOf } from './active-rule.js'
import type { RuleResult } from './quality-record.js'

type JudgedColumn = ActiveRule<'vocabulary'>['options']['columns'][number]

const VOCABULARY_OF: Readonly<Record<JudgedColumn, Vocabulary>> = {
  negotiated_type: NEGOTIATED_TYPE,
  code_type: CODE_TYPE,
  enumeration_type: ENUMERATION_TYPE,
  sole_proprietor: SOLE_PROPRIETOR,
  country_code: COUNTRY,
  address_purpose: ADDRESS_PURPOSE,
  modifier: MODIFIER,
}

/** Applies the rules. The tables of `weighRows` must stand. */
export async function checkVocabularies(
  engine: Engine,
  paths: StagedPaths,
  rules: readonly ActiveRule<'vocabulary'>[],
): Promise<RuleResult[]> {
  const results: RuleResult[] = []
  for (const rule of rules) {
    for (const column of new Set(rule.options.columns)) results.push(await checkColumn(engine, paths, rule, column))
  }
  return results
}

async function checkColumn(
  engine: Engine,
  paths: StagedPaths,
  rule: ActiveRule<'vocabulary'>,
  column: JudgedColumn,
): Promise<RuleResult> {
  const vocabulary = VOCABULARY_OF[column]
  const { unit, select } = occurrences(paths, column)
  await engine.run(`CREATE OR REPLACE TEMP TABLE judged_words AS
    SELECT *, ${isPublishedSql(vocabulary, 'word')} AS published FROM (
      SELECT word, sum(times)::BIGINT AS times FROM (${select}) WHERE word <> '' GROUP BY word)`)
  const counts = await engine.row(`SELECT coalesce(sum(times), 0)::BIGINT AS checked,
    coalesce(sum(times) FILTER (NOT published), 0)::BIGINT AS failed FROM judged_words`)
  const examples =
    await engine.rows(`SELECT left(word, ${LONGEST_WORD}) AS word, times, ${readAsSql(vocabulary, 'word')} AS read_as
    FROM judged_words WHERE NOT published ORDER BY times DESC, word LIMIT ${MOST_EXAMPLES}`)
  await engine.run('DROP TABLE judged_words')
  return resultOf(rule, {
    subject: column,
    meaning: `the words of ${column} are those of a specification (docs/vocabulary.md)`,
    unit,
    checked: Number(counts['checked']),
    failed: Number(counts['failed']),
    examples: examples.map(
      ({ word, times, read_as }) =>
        `"${visible(String(word))}" in ${countOf(Number(times), unit.slice(0, -1))}: ${read_as === null ? vocabulary.others : `read as ${String(read_as)}`}`,
    ),
  })
}

/** Characters of a word that an example shows: a longer one is none. */
const LONGEST_WORD = 60

/** A SELECT of the words of a column with how often they occur (`word`, `times`), and what is counted. */
function occurrences(
  paths: StagedPaths,
  column: JudgedColumn,
): { readonly unit: RuleResult['unit']; readonly select: string } {
  const ofAxis = (axis: 'attr' | 'code' | 'npi', path: string, weight: 'facts' | 'rows'): string =>
    `SELECT x.${column} AS word, w.${weight} AS times FROM ${readParquet([path])} x JOIN weights_${axis} w ON w.${axis}_id = x.${axis}_id`
  switch (column) {
    case 'negotiated_type':
      return { unit: 'facts', select: ofAxis('attr', paths.attrs, 'facts') }
    case 'code_type':
      return { unit: 'facts', select: ofAxis('code', paths.codes, 'facts') }
    case 'enumeration_type':
    case 'sole_proprietor':
    case 'country_code':
      return { unit: 'rows', select: ofAxis('npi', paths.npis, 'rows') }
    case 'address_purpose':
    case 'modifier':
      return {
        unit: 'input rows',
        select: `SELECT word, rows AS times FROM ${readParquet([paths.words])} WHERE column_name = '${column}'`,
      }
  }
}

/** A word of which one sees why it is not the one that it looks like: blanks and marks other than a plain blank as escapes. */
function visible(word: string): string {
  return word.replace(/[\p{Cf}\p{Z}]/gu, (mark) =>
    mark === ' ' ? mark : `\\u{${(mark.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  )
}
