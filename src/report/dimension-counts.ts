/** What the counts of the staged dimensions mean, in words. */

const NAMES: Readonly<Record<string, string>> = {
  attrs: 'distinct combinations of fact attributes',
  codes: 'codes',
  groups: 'provider groups',
  npis: 'providers',
  cells: 'cells (provider side of a partition key)',
  blocks: 'blocks of providers',
  members: 'group members',
  benchmarks: 'Medicare rows used',
  groupsWithoutMembers: 'groups without a valid member (each fact gives one row with a NULL npi)',
  duplicateMemberLinks: 'duplicate (group, NPI) links, counted once',
  invalidMemberLinks: "links without a group or with a payer's unknown NPI (0, empty, NULL)",
  codesWithoutCategory: 'codes without a category',
  codesWithSeveralCategories: 'codes with several categories, the lowest taken',
  codesNotInDimension: 'codes not in dim_code',
  payersNotInDimension: 'payers not in dim_payer',
  groupsNotInDimension: 'groups not in dim_provider_group',
  posSetsNotInDimension: 'place-of-service sets not in dim_pos_set',
  npisNotInDimension: 'providers not in dim_npi',
  npisWithoutLocation: 'providers without a LOCATION address',
  npisWithSeveralLocations: 'providers with several LOCATION addresses, the lowest address_hash taken',
  factKeysWithMalformedYearMonth: 'malformed values of year_month (year and month are NULL)',
  emptyPartitionValues: 'dimension entries with an empty partition value, taken as NULL',
}

/** The count's meaning; its own name where it has none here. */
export function dimensionName(count: string): string {
  return NAMES[count] ?? count
}
