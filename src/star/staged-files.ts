/** The staged files of a run, by name: what later steps read instead of the input. */

/** Staged dimension files; each is `<name>.parquet` under `staged/`. `words` are those that decided which rows were taken. */
export const STAGED_DIMENSIONS = [
  'attrs',
  'codes',
  'groups',
  'npis',
  'cells',
  'attr_parts',
  'code_parts',
  'group_parts',
  'members',
  'words',
] as const

/** Staged fact files: the numbered facts, their identities in blocks, the rows of each slice. */
export const STAGED_FACTS = ['facts', 'uids', 'slices'] as const

/** Staged Medicare files: the rows that facts meet, which of them is due where, and the states that they are of. */
export const STAGED_BENCHMARKS = ['benchmarks', 'benchmark_keys', 'states'] as const

/** Name of a staged file. `quarantined` holds the rows (`fact_row`) that the screen set aside. */
export type StagedName =
  | (typeof STAGED_DIMENSIONS)[number]
  | (typeof STAGED_FACTS)[number]
  | (typeof STAGED_BENCHMARKS)[number]
  | 'quarantined'

/** Local path of each staged file. */
export type StagedPaths = Readonly<Record<StagedName, string>>
