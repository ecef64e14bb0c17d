/** A run as an activity sees it: its record, its stores, its lock, its staged files. */
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import type { RunRef } from '../contract/activities.js'
import { type Engine, withEngine as openEngine } from '../engine/engine.js'
import { ObjectNotFound, type ObjectStore } from '../lake/object-store.js'
import { RunLock } from '../lake/run-lock.js'
import { openStore } from '../lake/stores.js'
import { RUN_RECORD } from '../records/names.js'
import { RunRecords } from '../records/records.js'
import type { RunRecord } from '../records/run.js'
import { InputError } from '../runtime/errors.js'
import { assertUnchanged, fetchInputs, type InputTable, type LocalCopies } from '../star/inputs.js'
import { type Layout, layoutOf } from '../star/layout.js'
import type { ActivityDeps } from './deps.js'
import { findRunRecord } from './run-record-memo.js'

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
  const record = await findRunRecord(records, signal)
  if (!record) {
    throw new InputError(
      'ETL3-RN-01',
      `run ${ref.runId} has no record any more [${metadata.locate(records.key(RUN_RECORD))}]`,
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
    config: withOwnScratch(record.config, deps),
    layout: layoutOf(record.config.partitioning.partition_columns),
    records,
    table: openStore(record.config.output.uri, ref),
    lock,
    scratch: join(deps.scratch, ref.runId),
  }
}

/** The scratch folder that a configuration names is one of the machine that opened the run; this worker has its own. */
export function withOwnScratch(config: Config, { scratch }: Pick<ActivityDeps, 'scratch'>): Config {
  return { ...config, processing: { ...config.processing, scratch } }
}

/** A run whose input is at hand. */
export interface InputContext extends RunContext {
  /** Of what lies in a bucket; another run of this worker may use the same copies. */
  readonly copies: LocalCopies
}

/**
 * As {@link openContext}, for steps that read the input itself.
 *
 * @param reads the files that the step reads: only these are fetched and looked at
 */
export async function openContextOverInputs(
  ref: RunRef,
  deps: ActivityDeps,
  signal: AbortSignal,
  reads: (record: RunRecord) => readonly InputTable[] = ({ inputs }) => inputs,
): Promise<InputContext> {
  const context = await openContext(ref, deps, signal)
  return await overInputs(context, reads(context.record), deps, signal)
}

/**
 * The same run with these files of its input at hand.
 *
 * @throws InputError ETL3-IN-02 when one of them changed
 */
export async function overInputs(
  context: RunContext,
  inputs: readonly InputTable[],
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<InputContext> {
  const reader = { s3: context.ref.s3, scratch: deps.scratch, signal }
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

/** @throws InputError ETL3-IN-02 when any input file is not the one any more that the run opened with */
export async function assertInputsUnchanged({ ref, record }: RunContext, signal: AbortSignal): Promise<void> {
  await assertUnchanged(record.inputs, { s3: ref.s3, signal })
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
