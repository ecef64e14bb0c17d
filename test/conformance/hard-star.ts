/** A star that holds everything that a path, a catalog, an expression or a bound could trip over. */
import type { Star } from '../stars/star.js'
import { tinyStar } from '../stars/tiny-star.js'

/** Values that each of the partition columns takes (year and month apart); NULL and the empty string among them. */
export const HARD_VALUES: readonly (string | null)[] = [
  'plain',
  'PLAIN',
  'Dallas-Fort Worth-Arlington, TX',
  "Coeur d'Alene, ID",
  '"quoted"',
  'a/b/state=TX/c',
  'k=v',
  '10:30',
  '100% pure %2F %25 %',
  ' both ends ',
  'a+b c',
  'Zürich 東京 😀',
  '*?[a-z]{x,y} \\ $1',
  'semi;colon & (brackets) #hash ^ ~',
  '__NULL__',
  '__null__',
  '__HIVE_DEFAULT_PARTITION__',
  '__hive_default_partition__',
  '',
  null,
]

/**
 * Texts of columns that no path has, around the 16 characters that are kept of a bound: characters of one to four bytes,
 * the last one that there is, the one before the surrogates, and a byte order mark.
 */
const LONG_TEXTS: readonly (string | null)[] = [
  'Straßenverkäufer für Zürich und Umgebung',
  '東京都千代田区丸の内一丁目にある非常に長い名前',
  '😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀',
  `${'a'.repeat(15)}\u{10FFFF}b`,
  '\u{10FFFF}'.repeat(17),
  `${'a'.repeat(15)}\uD7FFz`,
  `\uFEFF${'z'.repeat(20)}`,
  'a'.repeat(16),
  'a'.repeat(17),
  'é',
  null,
]

const DEGREES = [0, -0, -90, 89.99999999999999, Number.NaN, 1e-300, null]

/** The least and the largest that the rules let through are among them. */
const RATES = [150, 0.1 + 0.2, 0.01, 999_999.9999999999, 1 / 3]

function inTurn<T>(values: readonly T[], i: number): T | undefined {
  return values[i % values.length]
}

/** From a fact's own value to that of its other provider. */
const STEP = 7

/** Providers of a fact's group: its own value's, and that of another one, so that the sides of a key mix. */
export const PROVIDERS_PER_FACT = 2

/** One fact and one provider per value. */
export function hardStar(): Star {
  const star = tinyStar()
  const table = (name: string): Star[string] => {
    const found = star[name]
    if (!found) throw new Error(`no table ${name}`)
    return found
  }
  const npi = (i: number): string => String(9_000_000_001 + i)
  const rows: Readonly<Record<string, Star[string]['rows']>> = {
    'gold/fact_rate': HARD_VALUES.map((value, i) => ({
      ...table('gold/fact_rate').rows[0],
      fact_uid: `f${i}`,
      // A payer is required; the other columns may be empty.
      payer_slug: value === null || value === '' ? `payer ${i}` : value,
      billing_class: value,
      code: `C${i}`,
      pg_uid: `g${i}`,
      year_month: ['2025-08', '2024-12', 'malformed'][i % 3] ?? null,
      negotiated_rate: inTurn(RATES, i) ?? null,
      reporting_entity_name: inTurn(LONG_TEXTS, i) ?? null,
    })),
    'dims/dim_code': HARD_VALUES.map((_, i) => ({
      code_type: 'CPT',
      code: `C${i}`,
      code_description: inTurn(LONG_TEXTS, i) ?? null,
      code_name: 'n',
    })),
    'dims/dim_code_cat': HARD_VALUES.map((value, i) => ({
      proc_cd: `C${i}`,
      proc_set: value,
      proc_class: value,
      proc_group: 'x',
    })),
    'dims/dim_payer': HARD_VALUES.map((value, i) => ({
      payer_slug: value === null || value === '' ? `payer ${i}` : value,
      reporting_entity_name: 'The Payer',
      version: '1',
    })),
    'dims/dim_provider_group': HARD_VALUES.map((_, i) => ({
      pg_uid: `g${i}`,
      payer_slug: 'plain',
      provider_group_id_raw: '1',
      version: '1',
    })),
    'dims/dim_npi': HARD_VALUES.map((value, i) => ({
      npi: npi(i),
      enumeration_type: 'NPI-1',
      primary_taxonomy_code: value,
    })),
    'dims/dim_npi_address': HARD_VALUES.map((value, i) => ({
      npi: npi(i),
      address_purpose: 'LOCATION',
      address_hash: `a${i}`,
      city: inTurn(LONG_TEXTS, i) ?? null,
      state: value,
    })),
    'dims/dim_npi_address_geolocation': HARD_VALUES.map((value, i) => ({
      npi: npi(i),
      address_purpose: 'LOCATION',
      address_hash: `a${i}`,
      stat_area_name: value,
      latitude: inTurn(DEGREES, i) ?? null,
      longitude: i - 0.5,
    })),
    'xrefs/xref_pg_member_npi': HARD_VALUES.flatMap((_, i) =>
      Array.from({ length: PROVIDERS_PER_FACT }, (_none, k) => ({
        pg_uid: `g${i}`,
        npi: npi((i + k * STEP) % HARD_VALUES.length),
      })),
    ),
    'xrefs/xref_pg_member_tin': [{ pg_uid: 'g1', tin_type: 'ein', tin_value: '11' }],
  }
  return Object.fromEntries(
    Object.entries(star).map(([name, { columns, rows: before }]) => [name, { columns, rows: rows[name] ?? before }]),
  )
}
