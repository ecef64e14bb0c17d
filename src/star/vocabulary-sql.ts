/** The vocabularies in SQL: how a text is compared with their words, and what is computed from what it means. */
import { sqlString } from '../engine/sql.js'
import {
  ADDRESS_PURPOSE,
  COUNTRY,
  ENUMERATION_TYPE,
  MODIFIER,
  NEGOTIATED_TYPE,
  SOLE_PROPRIETOR,
  STATE,
  type Vocabulary,
  wordsOf,
} from './vocabulary.js'

/**
 * What does not count in a comparison: blanks of every kind (Unicode category Z), control and invisible marks (C: tabs,
 * line ends, U+FEFF, U+200B, U+00AD …), dashes (Pd and the minus sign) and underscores. U+10D6E is a dash since Unicode
 * 16, which the engine does not know yet.
 */
const UNCOUNTED = '[\\p{Z}\\p{C}\\p{Pd}_\\x{2212}\\x{10D6E}]'

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** SQL text: what remains of a text for the comparison. Letters beyond ASCII stay as they are. */
export function foldedSql(text: string): string {
  return smallSql(`regexp_replace(${text}, ${sqlString(UNCOUNTED)}, '', 'g')`)
}

/** The same of a word of the vocabulary, which holds nothing but ASCII. */
export function foldedWord(word: string): string {
  return word.toLowerCase().replace(/[\s_-]/g, '')
}

/** SQL condition, never NULL: a text is a word of one of these terms. */
export function isTermSql<V extends Vocabulary>(
  vocabulary: V,
  terms: readonly (keyof V['terms'] & string)[],
  text: string,
): string {
  const words = terms.flatMap((name) => foldedWordsOf(vocabulary, name))
  return words.length === 0 ? 'false' : `coalesce(${foldedSql(text)} IN (${words.map(sqlString).join(', ')}), false)`
}

/** SQL text: what a text is read as, in words for a person; NULL where it is not known. */
export function readAsSql(vocabulary: Vocabulary, text: string): string {
  const folded = vocabulary.exact ? text : foldedSql(text)
  const cases = Object.entries(vocabulary.terms).map(([name, { says, published }]) => {
    const words = vocabulary.exact ? published : foldedWordsOf(vocabulary, name)
    return `WHEN ${folded} IN (${words.map(sqlString).join(', ')}) THEN ${sqlString(says)}`
  })
  return `CASE ${cases.join(' ')} END`
}

/** SQL condition, never NULL: a text stands in a specification as it is, but for small and capital letters. */
export function isPublishedSql({ terms, form, exact }: Vocabulary, text: string): string {
  const words = Object.values(terms).flatMap((t) => t.published)
  const known = exact
    ? `${text} IN (${words.map(sqlString).join(', ')})`
    : `${smallSql(text)} IN (${['', ...words].map((w) => sqlString(w.toLowerCase())).join(', ')})`
  const formed = form === undefined ? '' : ` OR regexp_full_match(${text}, ${sqlString(form.pattern)})`
  return `coalesce(${known}${formed}, false)`
}

/**
 * SQL of the flags of a negotiated_type:
 *
 * - `is_dollar`: the rate is known to be an amount in dollars, of whatever unit
 * - `is_percentage`: it is known to be per cent
 */
export function rateFlagsSql(text: string): Readonly<Record<'is_dollar' | 'is_percentage', string>> {
  return {
    is_dollar: isTermSql(NEGOTIATED_TYPE, ['service', 'day', 'episode'], text),
    is_percentage: isTermSql(NEGOTIATED_TYPE, ['percent'], text),
  }
}

/** SQL text `provider_type` of an enumeration_type. */
export function providerTypeSql(text: string): string {
  return readAsSql(ENUMERATION_TYPE, text)
}

/** SQL boolean `is_sole_proprietor` of a sole_proprietor. */
export function soleProprietorSql(text: string): string {
  return `CASE WHEN ${isTermSql(SOLE_PROPRIETOR, ['yes'], text)} THEN true WHEN ${isTermSql(SOLE_PROPRIETOR, ['no'], text)} THEN false END`
}

/** SQL condition: an address says where the provider practises. */
export function isLocationSql(addressPurpose: string): string {
  return isTermSql(ADDRESS_PURPOSE, ['location'], addressPurpose)
}

/** SQL condition: a Medicare row holds the plain rate. */
export function isPlainRateSql(modifier: string): string {
  return `(${isBlankSql(modifier)} OR ${isTermSql(MODIFIER, ['none'], modifier)})`
}

/** SQL text: the state of a Medicare rate. A code in any spelling is the code, another text stays as it is, a blank is NULL. */
export function stateSql(text: string): string {
  const folded = foldedSql(text)
  const names = Object.entries(STATE.terms).flatMap(([code, { synonyms }]) =>
    synonyms.map((name) => `WHEN ${folded} = ${sqlString(foldedWord(name))} THEN ${sqlString(code)}`),
  )
  const codes = Object.keys(STATE.terms).map((code) => sqlString(foldedWord(code)))
  return `CASE WHEN ${isBlankSql(text)} THEN NULL WHEN ${folded} IN (${codes.join(', ')}) THEN upper(${folded}) ${names.join(' ')} ELSE ${text} END`
}

/** Their addresses lie abroad and are American, whatever the country says. */
const MILITARY = ['AA', 'AE', 'AP']

/** Stands for a place without a Medicare rate. A blank to {@link stateSql}, so that no Medicare row is of this state. */
export const NOWHERE = '-'

/**
 * SQL text: the state whose Medicare rate belongs to a provider's address. NULL where it is not known: the fact's market
 * decides. An address that is not known to lie in the United States has none, neither by what it calls its state (a
 * German DE is not Delaware) nor by the market's: Medicare pays nobody there.
 */
export function benchmarkStateSql({ state, country }: { readonly state: string; readonly country: string }): string {
  const inside = namesOf(COUNTRY).filter((name) => name !== 'abroad')
  const territories = inside
    .filter((name) => name !== 'US')
    .map((name) => `WHEN ${isTermSql(COUNTRY, [name], country)} THEN ${sqlString(name)}`)
  const isInside = `${isBlankSql(country)} OR ${isTermSql(COUNTRY, inside, country)} OR ${isTermSql(STATE, MILITARY, state)}`
  return `CASE WHEN ${isInside} THEN coalesce(${stateSql(state)}, CASE ${territories.join(' ')} END) ELSE ${sqlString(NOWHERE)} END`
}

function isBlankSql(text: string): string {
  return `coalesce(${foldedSql(text)}, '') = ''`
}

function namesOf<V extends Vocabulary>({ terms }: V): (keyof V['terms'] & string)[] {
  return Object.keys(terms)
}

function foldedWordsOf(vocabulary: Vocabulary, term: string): string[] {
  const found = vocabulary.terms[term]
  return found === undefined ? [] : [...new Set(wordsOf(found).map(foldedWord))]
}

function smallSql(text: string): string {
  return `translate(${text}, '${CAPITALS}', '${CAPITALS.toLowerCase()}')`
}
