/** The staged files among a run's objects, and their copies on this machine. */
import { severalAtOnce } from '../runtime/several-at-once.js'
import {
  STAGED_BENCHMARKS,
  STAGED_DIMENSIONS,
  STAGED_FACTS,
  type StagedName,
  type StagedPaths,
} from '../star/staged-files.js'
import type { RunRecords } from './records.js'

/** Where staged files lie, and the local folder that copies of them go to. */
export interface StagedPlace {
  readonly records: RunRecords
  readonly scratch: string
}

/** Key of a staged file, relative to the run. */
export function stagedName(name: StagedName): string {
  return `staged/${name}.parquet`
}

/** Gives local paths of staged files, fetched to scratch where the store is not local. */
export function stagedFetcher(
  { records, scratch }: StagedPlace,
  signal: AbortSignal,
): (name: StagedName) => Promise<string> {
  return (name) => records.store.fetchLocal(records.key(stagedName(name)), scratch, signal)
}

/** Local paths of all staged files. */
export async function stagedPaths(context: StagedPlace, signal: AbortSignal): Promise<StagedPaths> {
  const names = [...STAGED_DIMENSIONS, ...STAGED_FACTS, ...STAGED_BENCHMARKS, 'quarantined'] as const
  const paths = await severalAtOnce(names, context.records.store.atOnce, stagedFetcher(context, signal))
  const fetched = new Map<StagedName, string>(names.map((name, i) => [name, paths[i] ?? '']))
  const fetch = (name: StagedName): string => fetched.get(name) ?? ''
  return {
    attrs: fetch('attrs'),
    codes: fetch('codes'),
    groups: fetch('groups'),
    npis: fetch('npis'),
    cells: fetch('cells'),
    attr_parts: fetch('attr_parts'),
    code_parts: fetch('code_parts'),
    group_parts: fetch('group_parts'),
    members: fetch('members'),
    words: fetch('words'),
    benchmarks: fetch('benchmarks'),
    benchmark_keys: fetch('benchmark_keys'),
    states: fetch('states'),
    facts: fetch('facts'),
    uids: fetch('uids'),
    slices: fetch('slices'),
    quarantined: fetch('quarantined'),
  }
}
