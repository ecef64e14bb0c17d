/** A run as an activity sees it: its record, its stores, its lock, its staged files. */
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import type { RunRef } from '../contract/activities.js'
import { type Engine, withEngine as openEngine } from '../engine/engine.js'
import { ObjectNotFound, type ObjectStore } from '../lake/object-store.js'
import { RunLock } from '../lake/run-lock.js'
import { openStore } from '../lake/stores.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord, type RunRecord } from '../records/run.js'
import { InputError } from '../runtime/errors.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import { assertUnchanged, fetchInputs, type LocalCopies } from '../star/inputs.js'
import { type Layout, layoutOf } from '../star/layout.js'
import {
  STAGED_BENCHMARKS,
  STAGED_DIMENSIONS,
  STAGED_FACTS,
  type StagedName,
  type StagedPaths,
} from '../star/staged-files.js'
import type { ActivityDeps } from './deps.js'

/** A run as an activity sees it. */
export interface RunContext {
  readonly ref: RunRef
  readonly record: RunRecord
  readonly config: Config
  readonly layout: Layout
  /** Records and staged objects. */
  readonly records: RunRecords
  /** The table's objects. */
  readonly table: ObjectStore
  readonly lock: RunLock
  /** Local folder of this run, for spill files and files under construction. */
  readonly scratch: string
}

/**
 * Reads the run's record and makes sure that this run still holds the lock and its input is still the same.
 *
 * @throws ConflictError ETL3-LK-02 when a newer run has taken the lock
 * @throws InputError ETL3-IN-02 when an input file changed
 */
export async function openContext(ref: RunRef, deps: ActivityDeps, signal: AbortSignal): Promise<RunContext> {
  const metadata = openStore(ref.metadataUri, ref)
  const records = new RunRecords(metadata, ref.runId)
  const record = await records.find('run.json', parseRunRecord, signal)
  if (!record) {
    throw new InputError(
      'ETL3-RN-01',
      `run ${ref.runId} has no record any more [${metadata.locate(records.key('run.json'))}]`,
      {
        hint: 'Start the run again.',
      },
    )
  }
  const lock = new RunLock(metadata, { leaseMs: ref.lockLeaseMs })
  await lock.renew({ number: ref.lockNumber, owner: ref.lockOwner }, signal)
  return {
    ref,
    record,
    config: record.config,
    layout: layoutOf(record.config.partitioning.partition_columns),
    records,
    table: openStore(record.config.output.uri, ref),
    lock,
    scratch: join(deps.scratch, ref.runId),
  }
}

/** A run whose input is at hand. */
export interface InputContext extends RunContext {
  /** Of what lies in a bucket; another run of this worker may use the same copies. */
  readonly copies: LocalCopies
}

/** As {@link openContext}, for steps that read the input itself. */
export async function openContextOverInputs(
  ref: RunRef,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<InputContext> {
  const context = await openContext(ref, deps, signal)
  const { inputs } = context.record
  const reader = { s3: ref.s3, scratch: deps.scratch, signal }
  let copies: LocalCopies
  try {
    copies = await fetchInputs(inputs, reader)
  } catch (error) {
    if (error instanceof ObjectNotFound) await assertUnchanged(inputs, reader)
    throw error
  }
  // After the copies: what was fetched is what the run opened with.
  await assertUnchanged(inputs, reader)
  return { ...context, copies }
}

/** Runs `act` with an engine within the budget; an abort interrupts the statement that runs. */
export async function withEngine<T>(
  deps: ActivityDeps,
  scratch: string,
  signal: AbortSignal,
  act: (engine: Engine) => Promise<T>,
): Promise<T> {
  return await openEngine({ memoryLimitMb: deps.budget.engineMb, threads: 1, scratch }, signal, act)
}

/** Where the table's store makes ready what publishing will need; it goes with the objects of the run. */
export function foreseenPlace(records: RunRecords): string {
  return records.store.locate(records.key('objects/foreseen'))
}

/** Key of a staged file, relative to the run. */
export function stagedName(name: StagedName): string {
  return `staged/${name}.parquet`
}

/** Gives local paths of staged files, fetched to scratch where the store is not local. */
export function stagedFetcher(
  { records, scratch }: Pick<RunContext, 'records' | 'scratch'>,
  signal: AbortSignal,
): (name: StagedName) => Promise<string> {
  return (name) => records.store.fetchLocal(records.key(stagedName(name)), scratch, signal)
}

/** Local paths of all staged files. */
export async function stagedPaths(
  context: Pick<RunContext, 'records' | 'scratch'>,
  signal: AbortSignal,
): Promise<StagedPaths> {
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
    benchmarks: fetch('benchmarks'),
    benchmark_keys: fetch('benchmark_keys'),
    states: fetch('states'),
    facts: fetch('facts'),
    uids: fetch('uids'),
    slices: fetch('slices'),
    quarantined: fetch('quarantined'),
  }
}
