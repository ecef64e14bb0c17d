/** How large a generated star is and which values it holds. */

/** A place where providers work. NULL and '' are values that real files hold. */
export interface Place {
  readonly state: string | null
  readonly statArea: string | null
}

/** A payer and what it publishes. */
export interface Payer {
  readonly slug: string
  readonly name: string
  /** Months as YYYY-MM. */
  readonly months: readonly string[]
  readonly billingClasses: readonly string[]
}

/** A procedure category, as in dim_code_cat. */
export interface Category {
  readonly set: string | null
  readonly class: string | null
  readonly group: string
}

/** A provider taxonomy. */
export interface Taxonomy {
  readonly code: string | null
  readonly desc: string
}

/** Everything that decides the bytes of a generated star. */
export interface StarShape {
  readonly seed: number
  readonly facts: number
  readonly groups: number
  /** Groups have 1 to this many members, except those that have none. */
  readonly maxMembers: number
  readonly providersPerPlace: number
  readonly codes: number
  readonly payers: readonly Payer[]
  readonly places: readonly Place[]
  readonly categories: readonly Category[]
  readonly taxonomies: readonly Taxonomy[]
  /** Members in a thousand that work elsewhere than their group. */
  readonly strayMembersPerMille: number
  /** Whether the traps of real files are in it: duplicate links, empty groups, codes with several categories. */
  readonly traps: boolean
}

/** What a user may choose of the demo star. */
export interface DemoOptions {
  readonly facts: number
  readonly seed: number
}

/** The demo star as `npm start` writes it. */
export const DEMO_DEFAULTS: DemoOptions = { facts: 50_000, seed: 1 }

const CATEGORIES: readonly Category[] = [
  { set: 'E & M', class: 'Office/Outpatient Services', group: 'Office E&M - Established' },
  { set: 'Imaging', class: 'CT Scan', group: 'CT Scan - Chest; Abdomen, Pelvis' },
  { set: 'Procedure', class: 'Musculoskeletal', group: 'Arthroplasty' },
  { set: 'Test', class: 'General Laboratory', group: 'Clinical Chemistry' },
  { set: 'Treatment', class: 'Injections and Infusions (nononcologic)', group: 'COVID-19 Vaccine Administration' },
  { set: 'Imaging', class: 'Standard X-ray', group: 'X-ray - Skeletal' },
  { set: 'Other', class: 'Ambulance', group: 'Ground; Air, Water' },
  { set: 'Procedure', class: 'Eye', group: 'Cataract Removal/Lens Insertion' },
]

const TAXONOMIES: readonly Taxonomy[] = [
  { code: '207Q00000X', desc: 'Family Medicine' },
  { code: '207R00000X', desc: 'Internal Medicine' },
  { code: '363L00000X', desc: 'Nurse Practitioner' },
  { code: '225100000X', desc: 'Physical Therapist' },
  { code: '2085R0202X', desc: 'Diagnostic Radiology' },
  { code: '207X00000X', desc: 'Orthopaedic Surgery' },
  { code: '208D00000X', desc: 'General Practice' },
  { code: '282N00000X', desc: 'General Acute Care Hospital' },
]

const DEMO_PLACES: readonly Place[] = [
  { state: 'TX', statArea: 'Austin-Round Rock-San Marcos, TX Metro Area' },
  { state: 'AR', statArea: 'Texarkana, TX-AR Metro Area' },
  { state: 'CA', statArea: 'Los Angeles-Long Beach-Anaheim, CA Metro Area' },
  { state: 'CA', statArea: 'San Diego-Chula Vista-Carlsbad, CA Metro Area' },
  { state: 'NY', statArea: 'New York-Newark-Jersey City, NY-NJ Metro Area' },
  { state: 'FL', statArea: 'Miami-Fort Lauderdale-West Palm Beach, FL Metro Area' },
  { state: 'ID', statArea: "Coeur d'Alene, ID Metro Area" },
  { state: 'NC', statArea: 'Winston-Salem, NC Metro Area' },
  { state: 'PR', statArea: 'San Juan-Bayamón-Caguas, PR Metro Area' },
  { state: 'CO', statArea: 'Cañon City, CO Micro Area' },
  { state: 'MN', statArea: 'Minneapolis/St. Paul "Twin Cities", MN-WI Metro Area' },
  { state: 'WA', statArea: '100% rural: no area? [WA] {east} ^ a=b \\ #7 *' },
  { state: 'WA', statArea: 'Kennewick–Richland 東部, WA 🏥' },
  { state: 'MT', statArea: null },
  { state: 'TX', statArea: '__NULL__' },
  { state: 'CA', statArea: '__Hive_Default_Partition__' },
  { state: 'NY', statArea: '' },
  { state: '', statArea: ' a blank at either end ' },
  { state: null, statArea: 'Nowhere; between & beyond' },
]

const DEMO_PAYERS: readonly Payer[] = [
  {
    slug: 'blue-prairie',
    name: 'Blue Prairie, Inc.',
    months: ['2025-06', '2025-07'],
    billingClasses: ['professional', 'institutional'],
  },
  { slug: 'north-star-health', name: 'North Star "Health"', months: ['2025-06'], billingClasses: ['professional'] },
  { slug: 'ozark-mutual', name: "People's Ozark Mutual", months: ['2024-12'], billingClasses: ['professional'] },
]

/** The shape of the demo star: small, and with every trap of real files in it. */
export function demoShape(options: DemoOptions): StarShape {
  return {
    ...options,
    groups: 200,
    maxMembers: 40,
    providersPerPlace: 60,
    codes: 400,
    payers: DEMO_PAYERS,
    places: DEMO_PLACES,
    categories: CATEGORIES.slice(0, 4),
    taxonomies: [...TAXONOMIES.slice(0, 2), { code: '', desc: 'an empty code' }],
    strayMembersPerMille: 5,
    traps: true,
  }
}

// State and territory codes, without those that would need a territory's own areas.
const STATES =
  'AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY'.split(
    ' ',
  )

/**
 * The shape of a large star: about 26 rows a fact, and partitions that do not depend on the number of facts.
 * @param maxMembers providers of the largest group; the mean is about a third of it
 */
export function largeShape(options: DemoOptions, maxMembers = 81): StarShape {
  return {
    ...options,
    groups: 6_000,
    maxMembers,
    providersPerPlace: 400,
    codes: 2_000,
    payers: [
      {
        slug: 'payer-a',
        name: 'Payer A',
        months: ['2025-06', '2025-07'],
        billingClasses: ['professional', 'institutional'],
      },
      { slug: 'payer-b', name: 'Payer B', months: ['2025-06', '2025-07'], billingClasses: ['professional'] },
      { slug: 'payer-c', name: 'Payer C', months: ['2025-06', '2025-07'], billingClasses: ['professional'] },
    ],
    places: STATES.flatMap((state) =>
      ['North', 'Central', 'South'].map((part) => ({ state, statArea: `${part} ${state}, ${state} Metro Area` })),
    ),
    categories: CATEGORIES,
    taxonomies: TAXONOMIES,
    strayMembersPerMille: 0,
    traps: false,
  }
}
