/**
 * The words that decide something: what docs/vocabulary.md says, written down a second time, with tables of its own.
 * What is not known decides nothing.
 */

/**
 * Blanks, controls and invisible marks, dashes, underscores: they do not count, wherever they stand. Of the category C
 * without what no Unicode version has assigned (Cn), which differs from engine to engine.
 */
const NOT_COUNTED = /[\p{Z}\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Pd}\u2212_]/gu

/** What of a word is compared; '' of a blank. */
function bare(word: string | null): string {
  return (word ?? '').replace(NOT_COUNTED, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split('|').map(bare))
}

const DOLLARS = words(
  'negotiated|derived|fee schedule|negotiated rate|negotiated amount|derived amount|fee schedule rate|underlying fee schedule rate|' +
    'per diem|per diem rate|per day|daily rate|case rate|per case',
)

/** Whether a rate of this type is compared with Medicare's: it is known to be dollars. */
export function isComparedWithMedicare(negotiatedType: string | null): boolean {
  return DOLLARS.has(bare(negotiatedType))
}

const INDIVIDUAL = words('NPI-1|1|1.0|Individual|IND|Person|Type 1|NPI Type 1|Entity Type 1|1 - Individual')
const ORGANIZATION = words(
  'NPI-2|2|2.0|Organization|Organisation|Organizational|ORG|Non-Individual|Non-Person Entity|Type 2|NPI Type 2|Entity Type 2|2 - Organization',
)

/** The kind of provider. */
export function providerType(enumerationType: string | null): string | null {
  const word = bare(enumerationType)
  if (INDIVIDUAL.has(word)) return 'Individual'
  return ORGANIZATION.has(word) ? 'Organization' : null
}

const SOLE = words('YES|Y|true|T|1|1.0')
const NOT_SOLE = words('NO|N|false|F|0|0.0')

/** Whether the provider is a sole proprietor. */
export function soleProprietor(answer: string | null): boolean | null {
  const word = bare(answer)
  if (SOLE.has(word)) return true
  return NOT_SOLE.has(word) ? false : null
}

const LOCATION = words(
  'LOCATION|PRIMARY|Location Address|Primary Location|Primary Practice Location|Practice|Practice Location|Practice Address|' +
    'Practice Location Address|Business Practice Location|Business Practice Location Address|Provider Business Practice Location Address',
)

/** Whether an address is where the provider works. */
export function isLocation(purpose: string | null): boolean {
  return LOCATION.has(bare(purpose))
}

const NO_MODIFIER = words('|none|no modifier|null|nan|n/a')

/** Whether a Medicare row is the plain one. */
export function isUnmodified(modifier: string | null): boolean {
  return NO_MODIFIER.has(bare(modifier))
}

/** States, and what is counted with them, with their names. */
const STATE_NAMES =
  'AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|FL Florida|GA Georgia|' +
  'HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|' +
  'MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|' +
  'NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|' +
  'RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|' +
  'WV West Virginia|WI Wisconsin|WY Wyoming|DC District of Columbia|AS American Samoa|GU Guam|MP Northern Mariana Islands|' +
  'PR Puerto Rico|VI Virgin Islands|UM US Minor Outlying Islands|FM Federated States of Micronesia|MH Marshall Islands|PW Palau|' +
  'AA Armed Forces Americas|AE Armed Forces Europe|AP Armed Forces Pacific'

const STATES: ReadonlyMap<string, string> = new Map(
  STATE_NAMES.split('|').flatMap((entry) => {
    const code = entry.slice(0, 2)
    return [code, entry.slice(3)].map((word): [string, string] => [bare(word), code])
  }),
)

const MILITARY: ReadonlySet<string | null> = new Set(['AA', 'AE', 'AP'])

/** A state by its code, another text as it is, null of a blank: how states are compared. */
export function stateOf(text: string | null): string | null {
  const word = bare(text)
  return word === '' ? null : (STATES.get(word) ?? text)
}

const UNITED_STATES = words('|US|USA|United States|United States of America|U.S.|U.S.A.|The United States|840')

const TERRITORIES: ReadonlyMap<string, string> = new Map(
  [
    'AS|ASM|American Samoa',
    'GU|GUM|Guam',
    'MP|MNP|Northern Mariana Islands',
    'PR|PRI|Puerto Rico',
    'UM|UMI|United States Minor Outlying Islands',
    'VI|VIR|Virgin Islands|US Virgin Islands|U.S. Virgin Islands|Virgin Islands, U.S.|Virgin Islands (U.S.)',
  ].flatMap((line) => [...words(line)].map((word): [string, string] => [word, line.slice(0, 2)])),
)

/**
 * The state whose Medicare rate belongs to a provider's address: its own, that of its territory, or the market's; null
 * where there is none, as abroad.
 */
export function medicareState(state: string | null, country: string | null, market: string | null): string | null {
  const own = stateOf(state)
  if (MILITARY.has(own)) return own
  const territory = TERRITORIES.get(bare(country))
  if (territory === undefined && !UNITED_STATES.has(bare(country))) return null
  return own ?? territory ?? stateOf(market)
}
