/**
 * The words of the columns that decide something: which are known, what they mean, how they are compared, and what
 * becomes of the others. Columns of the table keep each value as given; only what is computed or chosen reads the words.
 *
 * `published` words stand in a specification of the field. `synonyms` are other spellings that files are known to hold:
 * they are understood, and told by the quality rule `vocabulary`, as are words that nobody knows. A word that is not
 * known is never guessed: it means nothing that a computation could use.
 *
 * Sources: CMS, Transparency in Coverage, schemas 1.0 and 2.0 of the in-network file, and 45 CFR 147.212; CMS, Hospital
 * Price Transparency, templates 2.0; NPPES data dissemination, code values of the monthly file; NPPES API 2.1; ISO 3166-1;
 * USPS Publication 28, appendix B.
 */

/** What some words have in common. */
export interface Term {
  /** What they are read as, in words for a person. */
  readonly says: string
  readonly published: readonly string[]
  readonly synonyms?: readonly string[]
}

/** The words of one column. */
export interface Vocabulary {
  readonly column: string
  /** Input tables that hold the column. */
  readonly tables: readonly string[]
  /** What hangs on the words. */
  readonly decides: string
  /** What NULL and texts of blanks mean. */
  readonly blank: string
  /** What any other word means. */
  readonly others: string
  readonly terms: Readonly<Record<string, Term>>
  /** Other texts that are as good as published: a regular expression (RE2) for the whole text, and what it matches. */
  readonly form?: { readonly pattern: string; readonly says: string }
  /** Words are compared as they stand. Without it letters may be small or capital, and blanks and dashes do not count. */
  readonly exact?: true
}

/** What negotiated_rate is an amount of. */
export const NEGOTIATED_TYPE = {
  column: 'negotiated_type',
  tables: ['fact_rate'],
  decides: 'what negotiated_rate is: dollars or per cent, and whether it is compared with Medicare',
  blank: 'not known: neither dollars nor per cent',
  others: 'not known: neither dollars nor per cent',
  terms: {
    service: {
      says: 'dollars for one service',
      published: ['negotiated', 'derived', 'fee schedule'],
      synonyms: [
        'negotiated rate',
        'negotiated amount',
        'derived amount',
        'fee schedule rate',
        'underlying fee schedule rate',
      ],
    },
    day: { says: 'dollars for one day', published: ['per diem'], synonyms: ['per diem rate', 'per day', 'daily rate'] },
    episode: { says: 'dollars for one case', published: [], synonyms: ['case rate', 'per case'] },
    percent: {
      says: 'per cent',
      published: ['percentage'],
      synonyms: [
        ...['percent', 'per cent', 'pct', '%', 'percentage rate', 'negotiated percentage'],
        ...['percentage of charges', 'percent of charges', 'percentage of charge', 'percent of charge', '% of charges'],
        ...['percentage of billed charges', 'percent of billed charges', '% of billed charges'],
        ...['percentage of total charges', 'percent of total charges', '% of total charges'],
        ...['percentage of total billed charges', 'percent of total billed charges', '% of total billed charges'],
        ...['percent of medicare', 'percentage of medicare', '% of medicare'],
      ],
    },
  },
} as const satisfies Vocabulary

/** Whether a provider is a person. */
export const ENUMERATION_TYPE = {
  column: 'enumeration_type',
  tables: ['dim_npi'],
  decides: '`provider_type`',
  blank: 'not known: NULL',
  others: 'not known: NULL',
  terms: {
    Individual: {
      says: 'Individual',
      published: ['NPI-1', '1'],
      synonyms: ['1.0', 'Individual', 'IND', 'Person', 'Type 1', 'NPI Type 1', 'Entity Type 1', '1 - Individual'],
    },
    Organization: {
      says: 'Organization',
      published: ['NPI-2', '2'],
      synonyms: [
        ...['2.0', 'Organization', 'Organisation', 'Organizational', 'ORG', 'Non-Individual', 'Non-Person Entity'],
        ...['Type 2', 'NPI Type 2', 'Entity Type 2', '2 - Organization'],
      ],
    },
  },
} as const satisfies Vocabulary

/** Whether a person is a sole proprietor. */
export const SOLE_PROPRIETOR = {
  column: 'sole_proprietor',
  tables: ['dim_npi'],
  decides: '`is_sole_proprietor`',
  blank: 'not answered: NULL',
  others: 'not known: NULL',
  terms: {
    yes: { says: 'true', published: ['YES', 'Y', 'true'], synonyms: ['T', '1', '1.0'] },
    no: { says: 'false', published: ['NO', 'N', 'false'], synonyms: ['F', '0', '0.0'] },
    unanswered: { says: 'not answered: NULL', published: ['X'], synonyms: ['Not Answered'] },
  },
} as const satisfies Vocabulary

/** Which addresses say where a provider practises. */
export const ADDRESS_PURPOSE = {
  column: 'address_purpose',
  tables: ['dim_npi_address', 'dim_npi_address_geolocation'],
  decides: 'which addresses are LOCATION addresses, of which the one with the lowest `address_hash` is taken',
  blank: 'not a LOCATION address',
  others: 'not a LOCATION address',
  terms: {
    location: {
      says: 'LOCATION address',
      published: ['LOCATION', 'PRIMARY'],
      synonyms: [
        ...['Location Address', 'Primary Location', 'Primary Practice Location', 'Practice', 'Practice Location'],
        ...['Practice Address', 'Practice Location Address', 'Business Practice Location'],
        ...['Business Practice Location Address', 'Provider Business Practice Location Address'],
      ],
    },
    other: {
      says: 'not a LOCATION address',
      published: ['MAILING', 'SECONDARY'],
      synonyms: [
        ...[
          'Mail',
          'Mailing Address',
          'Business Mailing',
          'Business Mailing Address',
          'Provider Business Mailing Address',
        ],
        ...['Secondary Location', 'Secondary Practice Location'],
      ],
    },
  },
} as const satisfies Vocabulary

/** Which Medicare rows hold the plain rate of a code. */
export const MODIFIER = {
  column: 'modifier',
  tables: ['bench_medicare_professional'],
  decides: "which rows hold a code's plain Medicare rate; the others are not read",
  blank: 'no modifier: the plain rate',
  others: 'a modifier: not the plain rate',
  terms: {
    none: {
      says: 'no modifier: the plain rate',
      published: [],
      synonyms: ['none', 'no modifier', 'null', 'nan', 'n/a'],
    },
  },
  form: {
    pattern: '[0-9A-Za-z]{2}([ ,;:|/]+[0-9A-Za-z]{2})*',
    says: 'modifiers of two letters or digits: not the plain rate',
  },
} as const satisfies Vocabulary

/** Whose bill a rate is for. Nothing is computed from it; the rule `billing_class` tells other words. */
export const BILLING_CLASS = {
  column: 'billing_class',
  tables: ['fact_rate'],
  decides: 'nothing that is computed: a partition column as given, judged by the rule `billing_class`',
  blank: 'NULL',
  others: 'as given',
  terms: { known: { says: 'as given', published: ['professional', 'institutional', 'both'] } },
  exact: true,
} as const satisfies Vocabulary

/** Kinds of billing codes. A code is looked up by kind and code, both as they stand. */
export const CODE_TYPE = {
  column: 'code_type',
  tables: ['fact_rate', 'dim_code', 'bench_medicare_professional'],
  decides: 'which rows of `dim_code` and of the Medicare table belong to a fact: those with the same text',
  blank: 'NULL joins with nothing, a blank with the same text',
  others: 'joins only with the same text',
  terms: {
    known: {
      says: 'a kind of code',
      published: [
        ...['CPT', 'HCPCS', 'NDC', 'RC', 'ICD', 'DRG', 'MS-DRG', 'R-DRG', 'S-DRG', 'APS-DRG', 'AP-DRG', 'APR-DRG'],
        ...['APC', 'LOCAL', 'EAPG', 'HIPPS', 'CDT', 'CDM', 'TRIS-DRG', 'CMG', 'MS-LTC-DRG', 'CSTM-ALL'],
      ],
    },
  },
  exact: true,
} as const satisfies Vocabulary

/** ISO 3166-1 alpha-2, without the United States and their territories. */
const ABROAD = (
  'AD AE AF AG AI AL AM AO AQ AR AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF ' +
  'CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG ' +
  'GH GI GL GM GN GP GQ GR GS GT GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR ' +
  'KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF ' +
  'NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM ' +
  'SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UY UZ VA VC VE VG VN VU WF WS YE YT ZA ' +
  'ZM ZW'
).split(' ')

/** Where an address lies. The key of a territory is also its state code. */
export const COUNTRY = {
  column: 'country_code',
  tables: ['dim_npi_address', 'dim_npi_address_geolocation'],
  decides: "whether the provider's address has the Medicare rate of a state",
  blank: 'the United States',
  others: 'not known to be the United States: no Medicare rate',
  terms: {
    US: {
      says: 'the United States',
      published: ['US', 'USA', 'United States'],
      synonyms: ['United States of America', 'U.S.', 'U.S.A.', 'The United States', '840'],
    },
    AS: { says: 'the state AS', published: ['AS'], synonyms: ['ASM', 'American Samoa'] },
    GU: { says: 'the state GU', published: ['GU'], synonyms: ['GUM', 'Guam'] },
    MP: { says: 'the state MP', published: ['MP'], synonyms: ['MNP', 'Northern Mariana Islands'] },
    PR: { says: 'the state PR', published: ['PR'], synonyms: ['PRI', 'Puerto Rico'] },
    UM: { says: 'the state UM', published: ['UM'], synonyms: ['UMI', 'United States Minor Outlying Islands'] },
    VI: {
      says: 'the state VI',
      published: ['VI'],
      synonyms: [
        'VIR',
        'Virgin Islands',
        'US Virgin Islands',
        'U.S. Virgin Islands',
        'Virgin Islands, U.S.',
        'Virgin Islands (U.S.)',
      ],
    },
    abroad: { says: 'abroad: no Medicare rate', published: ABROAD },
  },
} as const satisfies Vocabulary

const STATE_NAMES: Readonly<Record<string, string>> = {
  ...{
    AL: 'Alabama',
    AK: 'Alaska',
    AZ: 'Arizona',
    AR: 'Arkansas',
    CA: 'California',
    CO: 'Colorado',
    CT: 'Connecticut',
  },
  ...{
    DE: 'Delaware',
    FL: 'Florida',
    GA: 'Georgia',
    HI: 'Hawaii',
    ID: 'Idaho',
    IL: 'Illinois',
    IN: 'Indiana',
    IA: 'Iowa',
  },
  ...{
    KS: 'Kansas',
    KY: 'Kentucky',
    LA: 'Louisiana',
    ME: 'Maine',
    MD: 'Maryland',
    MA: 'Massachusetts',
    MI: 'Michigan',
  },
  ...{ MN: 'Minnesota', MS: 'Mississippi', MO: 'Missouri', MT: 'Montana', NE: 'Nebraska', NV: 'Nevada' },
  ...{
    NH: 'New Hampshire',
    NJ: 'New Jersey',
    NM: 'New Mexico',
    NY: 'New York',
    NC: 'North Carolina',
    ND: 'North Dakota',
  },
  ...{ OH: 'Ohio', OK: 'Oklahoma', OR: 'Oregon', PA: 'Pennsylvania', RI: 'Rhode Island', SC: 'South Carolina' },
  ...{ SD: 'South Dakota', TN: 'Tennessee', TX: 'Texas', UT: 'Utah', VT: 'Vermont', VA: 'Virginia', WA: 'Washington' },
  ...{
    WV: 'West Virginia',
    WI: 'Wisconsin',
    WY: 'Wyoming',
    DC: 'District of Columbia',
    AS: 'American Samoa',
    GU: 'Guam',
  },
  ...{ MP: 'Northern Mariana Islands', PR: 'Puerto Rico', VI: 'Virgin Islands', UM: 'US Minor Outlying Islands' },
  ...{ FM: 'Federated States of Micronesia', MH: 'Marshall Islands', PW: 'Palau' },
  ...{ AA: 'Armed Forces Americas', AE: 'Armed Forces Europe', AP: 'Armed Forces Pacific' },
}

/** States, territories, freely associated states and the military "states". */
export const STATE = {
  column: 'state',
  tables: ['fact_rate', 'dim_npi_address', 'dim_npi_address_geolocation', 'bench_medicare_professional'],
  decides:
    "which state's Medicare rate belongs to a row; the rules `market_state` and `provider_state` tell other words",
  blank: "not known: of a provider, the market's state counts; of a market or a Medicare row, none",
  others: 'joins only with the same text of a Medicare row',
  terms: Object.fromEntries(
    Object.entries(STATE_NAMES).map(([code, name]) => [code, { says: code, published: [code], synonyms: [name] }]),
  ),
} satisfies Vocabulary

/** All vocabularies, in the order of the documentation. */
export const VOCABULARIES: readonly Vocabulary[] = [
  NEGOTIATED_TYPE,
  ENUMERATION_TYPE,
  SOLE_PROPRIETOR,
  ADDRESS_PURPOSE,
  MODIFIER,
  COUNTRY,
  STATE,
  BILLING_CLASS,
  CODE_TYPE,
]

/** Words of a term, all of them. */
export function wordsOf(term: Term): readonly string[] {
  return [...term.published, ...(term.synonyms ?? [])]
}
