/** The SELECT behind each file of a generated star. All of them are arithmetic over row numbers: no state, no order. */
import { sqlString } from '../engine/sql.js'
import type { StarShape } from './star-shape.js'

/** One file of a generated star. */
export interface StarFile {
  /** Place under the star's root. */
  readonly path: string
  readonly select: string
}

/** Streams of `draw`: one per decision, so that no two decisions go together. */
const STREAM = {
  factGroup: 1,
  factCode: 2,
  factMonth: 3,
  factBillingClass: 4,
  factRate: 5,
  factType: 6,
  factPlaceOfService: 7,
  groupSize: 10,
  member: 11,
  stray: 12,
  strayMember: 13,
  providerTaxonomy: 20,
  providerName: 21,
  providerSurname: 22,
  providerKind: 23,
  providerProprietor: 24,
  providerLatitude: 25,
  providerLongitude: 26,
  workRvu: 30,
  practiceRvu: 31,
} as const

// Values that trip quoting, escaping and sorting.
const FIRST_NAMES = ['Ada', 'Bob', 'Chloë', 'Đức', 'Eve', 'Σοφία', 'Günter', 'Hana']
const LAST_NAMES = ["O'Brien", 'Núñez', 'Smith, Jr.', '"Doc" Lee', 'de la Cruz', 'A/B', '100%', '李', '', 'Null']

/** All files of a star of this shape. */
export function starFiles(shape: StarShape): readonly StarFile[] {
  const { traps } = shape
  // The second file of facts holds a group number as BIGINT, and no reporting_entity_name.
  const second = traps ? Math.floor(shape.facts / 10) : 0
  const files: StarFile[] = [
    { path: 'gold/fact_rate.parquet', select: facts(shape, 0, shape.facts - second) },
    { path: 'dims/dim_code.parquet', select: ordered(codes(shape)) },
    { path: 'dims/dim_code_cat.parquet', select: ordered(codeCategories(shape)) },
    { path: 'dims/dim_payer.parquet', select: ordered(payers(shape)) },
    { path: 'dims/dim_provider_group.parquet', select: ordered(providerGroups(shape)) },
    { path: 'dims/dim_pos_set.parquet', select: ordered(placeOfServiceSets(shape)) },
    { path: 'dims/dim_npi.parquet', select: ordered(providers(shape)) },
    { path: 'dims/dim_npi_address.parquet', select: ordered(addresses(shape)) },
    { path: 'dims/dim_npi_address_geolocation.parquet', select: ordered(geolocations(shape)) },
    { path: 'xrefs/xref_pg_member_npi.parquet', select: ordered(memberNpis(shape)) },
    { path: 'xrefs/xref_pg_member_tin.parquet', select: ordered(memberTins(shape)) },
    { path: 'bench_medicare_professional.parquet', select: ordered(benchmarks(shape)) },
  ]
  if (second > 0) {
    files.push({ path: 'gold/fact_rate_2.parquet', select: factsWithNumbers(shape, shape.facts - second, shape.facts) })
  }
  return files
}

/** Macros that several tables share. */
export function starMacros(shape: StarShape): readonly string[] {
  // Codes 10 and 11 have one text and two types.
  const twin = shape.traps ? 'CASE WHEN c = 11 THEN 10 ELSE c END' : 'c'
  return [
    "CREATE MACRO uid(kind, i) AS md5(kind || ':' || i)",
    `CREATE MACRO code_text(c) AS 'X' || lpad((${twin})::VARCHAR, 4, '0')`,
    "CREATE MACRO code_kind(c) AS CASE WHEN c = 11 THEN 'LOCAL' WHEN c % 20 = 0 THEN 'MS-DRG' WHEN c % 20 < 6 THEN 'HCPCS' ELSE 'CPT' END",
    // NPIs begin with 1 or 2: none of these is a real provider's.
    'CREATE MACRO npi_text(n) AS (9000000000 + (n * 104729) % 999999937)::VARCHAR',
    `CREATE MACRO place_of_group(g) AS (g // ${shape.payers.length}) % ${shape.places.length}`,
    `CREATE MACRO group_number(g) AS CASE WHEN g % ${shape.payers.length} = 1 THEN '690.' || g ELSE g::VARCHAR END`,
    `CREATE MACRO provider_state(place) AS ${nth(
      shape.places.map((p) => p.state),
      'place',
    )}`,
    `CREATE MACRO provider_area(place) AS ${nth(
      shape.places.map((p) => p.statArea),
      'place',
    )}`,
  ]
}

function facts(shape: StarShape, from: number, to: number): string {
  const trap = trapsOf(shape)
  return `
    WITH fact AS (
      SELECT i, draw(${STREAM.factGroup}, i) % ${shape.groups} AS g, skewed(${STREAM.factCode}, i, ${shape.codes}) AS c
      FROM range(${from}, ${to}) AS t(i)
    )
    SELECT ${factColumns(shape)},
      ${trap('i % 1709 = 8', 'NULL', 'group_number(g)')} AS provider_group_id_raw,
      ${trap('i % 5 = 1', 'NULL', trap('i % 887 = 9', "''", payerValue(shape, 'name')))} AS reporting_entity_name
    FROM fact`
}

function factsWithNumbers(shape: StarShape, from: number, to: number): string {
  // Only groups of the first payer, whose numbers are whole.
  const payerCount = shape.payers.length
  return `
    WITH fact AS (
      SELECT i, ${payerCount} * (draw(${STREAM.factGroup}, i) % ${Math.floor(shape.groups / payerCount)}) AS g,
        skewed(${STREAM.factCode}, i, ${shape.codes}) AS c
      FROM range(${from}, ${to}) AS t(i)
    )
    SELECT ${factColumns(shape)}, g AS provider_group_id_raw FROM fact`
}

function factColumns(shape: StarShape): string {
  const trap = trapsOf(shape)
  const type = `CASE draw(${STREAM.factType}, i) % 8 WHEN 0 THEN 'fee schedule' WHEN 1 THEN 'derived' WHEN 2 THEN 'per diem' ELSE 'negotiated' END`
  const percentage = 'i % 61 = 10'
  const rate = `(500 + skewed(${STREAM.factRate}, i, 400000)) / 100.0`
  const months = shape.payers.map((p) => `pick(${STREAM.factMonth}, i, ${list(p.months)})`)
  const classes = shape.payers.map((p) => `pick(${STREAM.factBillingClass}, i, ${list(p.billingClasses)})`)
  return `
      uid('fact', i) AS fact_uid,
      ${trap('i % 449 = 12', 'NULL', trap('i % 457 = 12', "''", 'provider_state(place_of_group(g))'))} AS state,
      ${trap(
        'i % 6007 < 6',
        "['2025-006', 'June 2025', '', NULL, '2025-13', '2025-07-XX'][1 + i % 6007]",
        ofPayer(shape, months),
      )} AS year_month,
      ${payerValue(shape, 'slug')} AS payer_slug,
      ${trap('i % 4001 = 13', "''", trap('i % 4003 = 13', 'NULL', ofPayer(shape, classes)))} AS billing_class,
      ${trap('i % 2003 = 14', 'NULL', 'code_kind(c)')} AS code_type,
      ${trap('i % 2011 = 15', 'NULL', trap('i % 1499 = 7', "'ZZ-unknown'", 'code_text(c)'))} AS code,
      ${trap('i % 997 = 5', 'NULL', trap('i % 1009 = 5', "uid('no such group', i)", "uid('group', g)"))} AS pg_uid,
      ${trap('i % 701 = 16', 'NULL', trap('i % 709 = 16', "uid('no such set', i)", `uid('pos', draw(${STREAM.factPlaceOfService}, i) % 6)`))} AS pos_set_id,
      ${trap('i % 907 = 17', 'NULL', trap(percentage, "CASE WHEN i % 2 = 0 THEN 'percentage' ELSE 'Percentage' END", type))} AS negotiated_type,
      ${trap('i % 1201 = 18', 'NULL', "CASE WHEN i % 9 = 0 THEN 'bundle' ELSE 'ffs' END")} AS negotiation_arrangement,
      ${trap(
        'i % 3001 < 4',
        '[-1.0, 0.0, 5000000.0, 0.004][1 + i % 3001]',
        trap(percentage, `(10 + draw(${STREAM.factRate}, i) % 9000) / 100.0`, rate),
      )}::DOUBLE AS negotiated_rate,
      ${trap('i % 1301 = 19', 'NULL', "CASE WHEN i % 3 = 0 THEN '9999-12-31' ELSE '2025-12-31' END")} AS expiration_date`
}

function codes(shape: StarShape): string {
  const row = `code_kind(c) AS code_type, code_text(c) AS code,
    'Demo service ' || c || CASE WHEN c % 13 = 0 THEN ', "special" / 50 %' ELSE '' END AS code_description,
    CASE WHEN c % 19 <> 0 THEN 'Demo ' || c END AS code_name, 'v' || c % 3 AS code_version`
  const known = shape.traps ? 'c % 53 <> 7' : 'true'
  return union(
    `SELECT ${row} FROM range(${shape.codes}) AS t(c) WHERE ${known}`,
    ...whenTraps(shape, [
      `SELECT ${row} FROM range(${shape.codes}) AS t(c) WHERE ${known} AND c % 97 = 0`,
      "SELECT 'CPT', NULL, 'a code without a code', NULL, NULL",
      "SELECT NULL, 'X0020', 'a code without a type', NULL, NULL",
    ]),
  )
}

function codeCategories(shape: StarShape): string {
  const { categories, codes: count } = shape
  const row = (k: string): string =>
    `code_text(c) AS proc_cd, ${nth(
      categories.map((x) => x.set),
      k,
    )} AS proc_set, ${nth(
      categories.map((x) => x.class),
      k,
    )} AS proc_class, ${nth(
      categories.map((x) => x.group),
      k,
    )} AS proc_group`
  const own = `c % ${categories.length}`
  if (!shape.traps) return `SELECT ${row(own)} FROM range(${count}) AS t(c)`
  return union(
    `SELECT ${row(own)} FROM range(${count}) AS t(c) WHERE c % 17 <> 3 AND c NOT IN (40, 41)`,
    `SELECT ${row(`(c + 1) % ${categories.length}`)} FROM range(${count}) AS t(c) WHERE c % 29 = 5`,
    `SELECT ${row(own)} FROM range(${count}) AS t(c) WHERE c % 31 = 0 AND c % 17 <> 3`,
    "SELECT NULL, 'Nothing', 'Nobody', 'Nowhere'",
    "SELECT code_text(40), '', 'class without a set', 'g'",
    "SELECT code_text(41), 'set without a class', NULL, NULL",
  )
}

function payers(shape: StarShape): string {
  const row = (payer: { slug: string; name: string }, version: string): string =>
    `SELECT ${sqlString(payer.slug)} AS payer_slug, ${sqlString(payer.name)} AS reporting_entity_name, ${sqlString(version)} AS version`
  return union(
    ...shape.payers.map((p) => row(p, '1.0.0')),
    ...whenTraps(shape, [
      ...shape.payers.slice(0, 1).map((p) => row(p, '1.3.1')),
      "SELECT NULL, 'nobody', '1.0.0'",
      "SELECT 'unused-payer', 'Unused', '1.0.0'",
    ]),
  )
}

function providerGroups(shape: StarShape): string {
  return `SELECT uid('group', g) AS pg_uid, ${payerValue(shape, 'slug')} AS payer_slug,
    group_number(g) AS provider_group_id_raw, '1.0.0' AS version FROM range(${shape.groups}) AS t(g)`
}

function placeOfServiceSets(shape: StarShape): string {
  const sets = [[], ['11'], ['24'], ['11', '22'], ['02', '10', '11'], ['21', '23']]
  const row = (set: readonly string[], i: number): string =>
    `SELECT uid('pos', ${i}) AS pos_set_id, ${list(set)}::VARCHAR[] AS pos_members`
  return union(
    ...sets.map(row),
    ...whenTraps(shape, [row(['11'], 1), "SELECT NULL, ['99']::VARCHAR[]", "SELECT uid('pos', 99), NULL::VARCHAR[]"]),
  )
}

function providers(shape: StarShape): string {
  const count = providerCount(shape)
  const taxonomy = `draw(${STREAM.providerTaxonomy}, n) % ${shape.taxonomies.length}`
  const row = (updated: string): string => `npi_text(n) AS npi,
    CASE WHEN person THEN pick(${STREAM.providerName}, n, ${list(FIRST_NAMES)}) END AS first_name,
    CASE WHEN person THEN pick(${STREAM.providerSurname}, n, ${list(LAST_NAMES)}) END AS last_name,
    CASE WHEN NOT person THEN 'Demo Clinic No. ' || n || CASE WHEN n % 2 = 0 THEN ', Inc.' ELSE ' "D/B/A"' END END AS organization_name,
    CASE WHEN n % 83 = 2 THEN NULL WHEN person THEN 'NPI-1' ELSE 'NPI-2' END AS enumeration_type,
    CASE WHEN n % 71 = 1 THEN 'D' ELSE 'A' END AS status,
    ${nth(
      shape.taxonomies.map((t) => t.code),
      taxonomy,
    )} AS primary_taxonomy_code,
    ${nth(
      shape.taxonomies.map((t) => t.desc),
      taxonomy,
    )} AS primary_taxonomy_desc,
    provider_state(n % ${shape.places.length}) AS primary_taxonomy_state,
    CASE WHEN n % 3 <> 0 THEN 'L' || (n * 37) END AS primary_taxonomy_license,
    CASE draw(${STREAM.providerProprietor}, n) % 5 WHEN 0 THEN 'YES' WHEN 1 THEN 'X' WHEN 2 THEN NULL ELSE 'NO' END AS sole_proprietor,
    '20' || lpad((5 + n % 19)::VARCHAR, 2, '0') || '-05-23' AS enumeration_date,
    ${sqlString(updated)} AS last_updated, true AS nppes_fetched`
  const from = `FROM (SELECT n, draw(${STREAM.providerKind}, n) % 10 <> 0 AS person FROM range(${count}) AS t(n))`
  if (!shape.traps) return `SELECT ${row('2025-01-01')} ${from}`
  return union(
    `SELECT ${row('2025-01-01')} ${from} WHERE n % 37 <> 11`,
    `SELECT ${row('2024-01-01')} ${from} WHERE n % 37 <> 11 AND n % 211 = 0`,
    `SELECT NULL, * EXCLUDE (npi) FROM (SELECT ${row('2025-01-01')} ${from} WHERE n < 2)`,
  )
}

function addressRow(purpose: string, place: string, which: number, spelling: string): string {
  return `npi_text(n) AS npi, ${sqlString(purpose)} AS address_purpose, 'DOM' AS address_type,
    ${sqlString(spelling)} || (100 + n) || ' Main St' AS address_1,
    CASE WHEN n % 6 = 0 THEN 'Suite ' || n % 40 || ', "rear"' END AS address_2,
    'City ' || ${place} AS city, provider_state(${place}) AS state, lpad((10000 + 13 * n)::VARCHAR, 9, '0') AS postal_code,
    'US' AS country_code, '555' || lpad((n % 10000000)::VARCHAR, 7, '0') AS telephone_number,
    CASE WHEN n % 4 = 0 THEN '555' || lpad((n % 9999991)::VARCHAR, 7, '0') END AS fax_number,
    '2025-01-01' AS last_updated, uid('address ${which}', n) AS address_hash`
}

function geolocationRow(place: string, which: number): string {
  return `${addressRow('LOCATION', place, which, '')},
    25 + (draw(${STREAM.providerLatitude}, n) % 24000) / 1000.0 AS latitude,
    -70 - (draw(${STREAM.providerLongitude}, n) % 54000) / 1000.0 AS longitude,
    'County ' || ${place} AS county_name, lpad((1000 + ${place})::VARCHAR, 5, '0') AS county_fips,
    provider_area(${place}) AS stat_area_name, (12000 + ${place})::VARCHAR AS stat_area_code,
    upper('City ' || ${place}) || ', US' AS matched_address, NULL::VARCHAR AS donor`
}

// Which of a provider's LOCATION addresses lie where. Of 20 providers one is only in dim_npi_address (no area), a dozen
// only in the geolocation, the others in both under one hash; some have two addresses, some none.
const ADDRESS_ONLY = 'n % 20 = 0'
const BOTH = 'n % 20 BETWEEN 1 AND 7'
const NO_LOCATION = 'n % 43 = 9'

function addresses(shape: StarShape): string {
  const places = shape.places.length
  const from = `FROM range(${providerCount(shape)}) AS t(n) WHERE`
  const home = `(n % ${places})`
  const away = `((n + 1) % ${places})`
  if (!shape.traps) return `SELECT ${addressRow('LOCATION', home, 0, '')} ${from} n % 3 = 0`
  return union(
    `SELECT ${addressRow('MAILING', away, 1, 'PO Box ')} ${from} n % 2 = 0`,
    `SELECT ${addressRow('LOCATION', home, 0, 'No. ')} ${from} (${ADDRESS_ONLY} OR ${BOTH}) AND NOT ${NO_LOCATION}`,
    `SELECT ${addressRow('LOCATION', home, 0, 'No. ')} ${from} (${ADDRESS_ONLY} OR ${BOTH}) AND NOT ${NO_LOCATION} AND n % 101 = 0`,
    `SELECT ${addressRow('LOCATION', away, 2, 'No. ')} ${from} n % 41 = 6`,
    `SELECT NULL, * EXCLUDE (npi) FROM (SELECT ${addressRow('LOCATION', home, 3, '')} ${from} n < 3)`,
  )
}

function geolocations(shape: StarShape): string {
  const places = shape.places.length
  const from = `FROM range(${providerCount(shape)}) AS t(n) WHERE`
  const home = `(n % ${places})`
  const away = `((n + 2) % ${places})`
  if (!shape.traps) return `SELECT ${geolocationRow(home, 0)} ${from} true`
  return union(
    `SELECT ${geolocationRow(home, 0)} ${from} NOT ${ADDRESS_ONLY} AND NOT ${NO_LOCATION}`,
    `SELECT ${geolocationRow(home, 0)} ${from} NOT ${ADDRESS_ONLY} AND NOT ${NO_LOCATION} AND n % 103 = 0`,
    `SELECT ${geolocationRow(away, 4)} ${from} n % 47 = 4`,
    `SELECT npi, 'MAILING', * EXCLUDE (npi, address_purpose) FROM (SELECT ${geolocationRow(away, 1)} ${from} n % 10 = 0)`,
    `SELECT NULL, * EXCLUDE (npi) FROM (SELECT ${geolocationRow(home, 5)} ${from} n < 3)`,
  )
}

function memberNpis(shape: StarShape): string {
  const places = shape.places.length
  const key = `(g * ${shape.maxMembers} + k)`
  const member = `CASE WHEN chance(${STREAM.stray}, ${key}, ${shape.strayMembersPerMille})
      THEN draw(${STREAM.strayMember}, ${key}) % ${providerCount(shape)}
      ELSE place_of_group(g) + ${places} * (draw(${STREAM.member}, ${key}) % ${shape.providersPerPlace}) END`
  const links = `SELECT uid('group', g) AS pg_uid, npi_text(${member}) AS npi
    FROM range(${shape.groups}) AS t(g), range(${shape.maxMembers}) AS m(k)
    WHERE k <= skewed(${STREAM.groupSize}, g, ${shape.maxMembers})`
  if (!shape.traps) return `SELECT DISTINCT * FROM (${links})`
  const groups = `FROM range(${shape.groups}) AS t(g) WHERE`
  return union(
    // Drawn with repetition: some links come twice.
    `${links} AND g % 10 <> 9`,
    `SELECT uid('group', g), '0' ${groups} g % 7 = 3 OR g % 20 = 19`,
    `SELECT uid('group', g), invalid ${groups.replace(' WHERE', ", (VALUES ('0000000000'), (''), (NULL)) AS v(invalid) WHERE")} g % 20 = 19`,
    `SELECT NULL, npi_text(n) FROM range(3) AS t(n)`,
    `SELECT uid('group without facts', 1), npi_text(n) FROM range(3) AS t(n)`,
  )
}

function memberTins(shape: StarShape): string {
  const link = `SELECT uid('group', g) AS pg_uid, CASE WHEN g % 2 = 0 THEN 'ein' ELSE 'npi' END AS tin_type,
    lpad(((g * 7919 + k * 104729) % 1000000007)::VARCHAR, 9, '0') AS tin_value
    FROM range(${shape.groups}) AS t(g), range(4) AS m(k) WHERE k <= g % 4`
  if (!shape.traps) return link
  return union(
    `${link} AND g % 13 <> 5`,
    `${link} AND g % 13 <> 5 AND g % 11 = 0`,
    `SELECT uid('group', g), 'ein', NULL FROM range(${shape.groups}) AS t(g) WHERE g % 17 = 2`,
    "SELECT NULL, 'ein', '000000001'",
  )
}

function benchmarks(shape: StarShape): string {
  const states = [...new Set(shape.places.map((p) => p.state))].filter((s) => s !== null && s !== '')
  // RVUs in hundredths, money in cents: whole numbers until the last step, so that every machine rounds alike.
  const row = (yearMonth: string, year: number, modifier: string, factor: number): string => `
    SELECT state, '${yearMonth}' AS year_month, code_kind(c) AS code_type, code_text(c) AS code, ${modifier} AS modifier,
      work / 100.0 AS work_rvu, practice / 100.0 AS practice_expense_rvu, 0.07::DOUBLE AS malpractice_rvu,
      (work + practice + 7) / 100.0 AS total_rvu, ${year}::INTEGER AS year,
      ((work + practice + 7) * ${factor} // 100) / 100.0 AS medicare_prof_national,
      CASE c % 50 WHEN 20 THEN 0.0 WHEN 25 THEN NULL ELSE ((work + practice + 7) * (${factor} + s) // 100) / 100.0 END AS medicare_prof_stateavg,
      ${factor} / 100.0 AS conversion_factor, 'professional' AS benchmark_type, ${year}::INTEGER AS data_year
    FROM (
      SELECT c, s, ${nth(states, 's')} AS state, draw(${STREAM.workRvu}, c) % 2000 AS work, draw(${STREAM.practiceRvu}, c) % 1500 AS practice
      FROM range(${shape.codes}) AS t(c), range(${states.length}) AS u(s)
      WHERE c % 3 <> 2
    )`
  const modifier = shape.traps ? "CASE WHEN c % 6 = 1 THEN '' END" : 'NULL::VARCHAR'
  if (!shape.traps) return union(row('2024-07', 2024, modifier, 3328), row('2025-01', 2025, modifier, 3234))
  return union(
    row('2024-07', 2024, modifier, 3328),
    `${row('2025-01', 2025, modifier, 3234)} WHERE c % 4 <> 1`,
    `${row('2025-07', 2025, modifier, 3235)} WHERE c % 8 = 3`,
    `${row('2026-01', 2026, modifier, 3340)} WHERE c % 10 = 0`,
    `${row('2025-01', 2025, "'26'", 1200)} WHERE c % 4 = 0`,
    `${row('2024-07', 2024, modifier, 3328)} WHERE c % 80 = 0`,
    `SELECT state, year_month, code_type, NULL, * EXCLUDE (state, year_month, code_type, code) FROM (${row('2024-07', 2024, modifier, 3328)} WHERE c = 0)`,
  )
}

function providerCount(shape: StarShape): number {
  return shape.places.length * shape.providersPerPlace
}

/** A value of the group's payer. */
function payerValue(shape: StarShape, name: 'slug' | 'name'): string {
  return nth(
    shape.payers.map((p) => p[name]),
    `g % ${shape.payers.length}`,
  )
}

function ofPayer(shape: StarShape, expressions: readonly string[]): string {
  const cases = expressions.map((sql, i) => `WHEN ${i} THEN ${sql}`)
  return `CASE g % ${shape.payers.length} ${cases.join(' ')} END`
}

/** Wraps an expression so that the trap's value takes its place where the condition holds; only in stars with traps. */
function trapsOf(shape: StarShape): (condition: string, value: string, otherwise: string) => string {
  return (condition, value, otherwise) =>
    shape.traps ? `CASE WHEN ${condition} THEN ${value} ELSE ${otherwise} END` : otherwise
}

function whenTraps(shape: StarShape, selects: readonly string[]): readonly string[] {
  return shape.traps ? selects : []
}

function nth(values: readonly (string | null)[], index: string): string {
  return `${list(values)}[1 + ${index}]`
}

function list(values: readonly (string | null)[]): string {
  return `[${values.map((v) => (v === null ? 'NULL' : sqlString(v))).join(', ')}]`
}

function union(...selects: readonly string[]): string {
  return selects.map((select) => `(${select})`).join(' UNION ALL ')
}

function ordered(select: string): string {
  return `FROM (${select}) ORDER BY ALL`
}
