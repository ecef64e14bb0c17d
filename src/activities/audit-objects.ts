/**
 * The audit of one unit: ledger against plan, then what lies in the store, read again by other implementations
 * (docs/architecture.md, The audit). A difference fails the run and names the partitions; nothing was published yet.
 * Leaves `audited/<n>.json`.
 */

import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import { type Footer, readFooter } from '../parquet/footer-check.js'
import { type PlannedPartition, readUnit } from '../partition-files/read-plan.js'
import { differingChecksums } from '../plan/verify-checksums.js'
import { fetchPlan } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import { type LedgerEntry, objectName, parseUnitRecord, unitRecordName } from '../records/unit.js'
import { consecutiveGroups } from '../runtime/consecutive-groups.js'
import { IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import { DICTIONARY } from '../star/dictionary.js'
import { type CodeRange, codeRanges, enrichInSql, FILE_COLUMNS } from '../star/enriched-sql.js'
import type { StagedPaths } from '../star/staged-files.js'
import type { ActivityDeps } from './deps.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

/** What an audit looked at: in one unit, or in all of them together. */
export const auditedRecordSchema = z.object({
  formatVersion: z.literal(1),
  depth: z.enum(['sample', 'full']),
  partitions: z.number(),
  rows: z.number(),
  /** Objects of which every row was read again. */
  readAgain: z.number(),
  bytes: z.number(),
})

/** `audited/<n>.json`, and summed up over all units `audit.json`. */
export type AuditedRecord = z.output<typeof auditedRecordSchema>

type Answer = Omit<UnitDone, keyof Measured>

/** In a sample, one file in so many, and each unit's largest. */
const SAMPLE_EVERY = 50

/** What is read again in one statement: bounds the memory of the audit, whatever the size of a unit. */
const BATCH_PARTITIONS = 200
const BATCH_ROWS = 100_000

/** Footers between two turns of the event loop: some 10 ms. */
const FOOTERS_PER_TURN = 50

/** Most partitions that an error names. */
const NAMED = 5

/** Audits one unit. @throws IntegrityError ETL3-AU-01 … 04 and 08 on any difference */
export function auditObjects(deps: ActivityDeps): (input: UnitInput, scope: ActivityScope) => Promise<Answer> {
  return async ({ run, unit }, scope) => {
    const context = await openContext(run, deps, scope.signal)
    const record = (await findAudited(context, unit, scope.signal)) ?? (await audit(context, deps, scope, unit))
    return { unit, partitions: record.partitions, rows: record.rows, bytes: record.bytes }
  }
}

/** The record of an audited unit, or undefined before it was. */
export async function findAudited(
  { records }: RunContext,
  unit: number,
  signal: AbortSignal,
): Promise<AuditedRecord | undefined> {
  return await records.find(auditedName(unit), (value) => auditedRecordSchema.parse(value), signal)
}

function auditedName(unit: number): string {
  return `audited/${unit}.json`
}

async function audit(
  context: RunContext,
  deps: ActivityDeps,
  { signal, heartbeat }: ActivityScope,
  unit: number,
): Promise<AuditedRecord> {
  const { records, config, scratch } = context
  // The writer's star is not needed any more, and the memory is.
  deps.star.clear()
  const paths = await stagedPaths(context, signal)
  const plan = await fetchPlan(context, signal)
  return await withEngine(deps, scratch, signal, async (engine) => {
    const due = await readUnit(engine, plan, unit)
    const ledger = await ledgerOf(context, unit, signal)
    compareLedger(due, ledger)
    const depth = config.processing.audit
    const chosen = depth === 'full' ? due : sampleOf(due)
    let readAgain = 0
    const progress = (partitions: number): void => {
      readAgain += partitions
      heartbeat({ unit, readAgain })
      deps.memory.ease(signal)
    }
    // At once, because the engine reads rows on a thread of its own. Where both differ, the bytes are the reason.
    const values = async (): Promise<void> => {
      await compareChecksums({ engine, paths, plan, unit, due, ledger })
      progress(0)
      await compareContent({ context, engine, paths, unit, chosen, progress, signal })
    }
    await both(compareBytes(context, unit, ledger, signal), values())
    failPoint('audit:unit')
    const record: AuditedRecord = {
      formatVersion: 1,
      depth,
      partitions: due.length,
      rows: due.reduce((sum, p) => sum + p.rows, 0),
      readAgain,
      bytes: ledger.reduce((sum, e) => sum + e.bytes, 0),
    }
    await records.save(auditedName(unit), record, signal)
    return record
  })
}

async function ledgerOf({ records }: RunContext, unit: number, signal: AbortSignal): Promise<readonly LedgerEntry[]> {
  const record = await records.find(unitRecordName(unit), parseUnitRecord, signal)
  if (!record) throw new IntegrityError('ETL3-AU-01', `unit ${unit} has no ledger`)
  return record.entries
}

function compareLedger(due: readonly PlannedPartition[], ledger: readonly LedgerEntry[]): void {
  const written = new Map(ledger.map((e) => [e.ordinal, e]))
  const wrong = due.filter((p) => {
    const entry = written.get(p.ordinal)
    return (
      entry?.writtenRows !== p.rows ||
      entry.facts !== p.facts ||
      entry.key !== p.key ||
      entry.fingerprint !== p.fingerprint
    )
  })
  if (wrong.length > 0) throw difference('ETL3-AU-01', 'the ledger differs from the plan', wrong)
  if (ledger.length !== due.length) {
    throw new IntegrityError('ETL3-AU-01', `the ledger has ${ledger.length} partitions, the plan ${due.length}`)
  }
}

/** Size and SHA-256 of every object, from the bytes that lie in the store. */
async function compareBytes(
  { records }: RunContext,
  unit: number,
  ledger: readonly LedgerEntry[],
  signal: AbortSignal,
): Promise<void> {
  const same = await severalAtOnce(ledger, records.store.atOnce, async (entry, i) => {
    if (i % BATCH_PARTITIONS === 0) await nextTurn()
    const content = await records.store.digest(records.key(objectName(unit, entry.ordinal)), signal)
    return content?.bytes === entry.bytes && content.sha256 === entry.sha256
  })
  const wrong = ledger.filter((_, i) => !same[i])
  if (wrong.length > 0)
    throw difference('ETL3-AU-02', 'the objects in the store are not the ones that were written', wrong)
}

/** Every row as it was handed to the encoder, whatever the depth: its values against a join of the staged star. */
async function compareChecksums(input: {
  readonly engine: Engine
  readonly paths: StagedPaths
  readonly plan: string
  readonly unit: number
  readonly due: readonly PlannedPartition[]
  readonly ledger: readonly LedgerEntry[]
}): Promise<void> {
  const { due, ledger, ...others } = input
  const written = new Map(ledger.map((entry) => [entry.ordinal, entry]))
  const differing = await differingChecksums({ ...others, written })
  if (differing.size === 0) return
  const wrong = due.filter(({ ordinal }) => differing.has(ordinal))
  throw difference('ETL3-AU-08', 'the rows that were written are not those of the staged data', wrong)
}

/** A deterministic sample: the largest partition of the unit, and one in fifty. */
function sampleOf(due: readonly PlannedPartition[]): readonly PlannedPartition[] {
  const largest = due.reduce<PlannedPartition | undefined>(
    (max, p) => (max === undefined || p.rows > max.rows ? p : max),
    undefined,
  )
  return due.filter((p) => p === largest || p.ordinal % SAMPLE_EVERY === 0)
}

/** What the comparison of a unit's content needs. */
interface ContentInput {
  readonly context: RunContext
  readonly engine: Engine
  readonly paths: StagedPaths
  readonly unit: number
  readonly chosen: readonly PlannedPartition[]
  /** Called after each statement with the partitions that it finished. */
  readonly progress: (partitions: number) => void
  readonly signal: AbortSignal
}

/** Footers and rows of some partitions of a unit, batch by batch. */
async function compareContent({ context, engine, paths, unit, chosen, progress, signal }: ContentInput): Promise<void> {
  const { records, scratch } = context
  for (const batch of consecutiveGroups(chosen, (p) => p.rows, { weight: BATCH_ROWS, items: BATCH_PARTITIONS })) {
    await withScratchFolder(scratch, 'audit', async (folder) => {
      const files = await severalAtOnce(batch, records.store.atOnce, ({ ordinal }) =>
        records.store.fetchLocal(records.key(objectName(unit, ordinal)), folder, signal),
      )
      const rows = async (): Promise<void> => {
        for (const range of await rangesOf(engine, paths, batch)) {
          await compareRows({ engine, paths, chosen: batch, files, range })
          progress(0)
        }
      }
      await both(compareFooters(batch, files, context.config.processing.audit), rows())
    })
    progress(batch.length)
  }
}

/** Waits for both; throws the first one's error if both fail. */
async function both(first: Promise<void>, second: Promise<void>): Promise<void> {
  const ended = await Promise.allSettled([first, second])
  for (const one of ended) if (one.status === 'rejected') throw one.reason
}

/** A partition beyond one batch is compared code range by code range, so that its size does not matter. */
async function rangesOf(
  engine: Engine,
  paths: StagedPaths,
  batch: readonly PlannedPartition[],
): Promise<readonly (CodeRange | undefined)[]> {
  const [partition] = batch
  if (batch.length > 1 || !partition || partition.rows <= BATCH_ROWS) return [undefined]
  return await codeRanges(engine, paths, partition, BATCH_ROWS)
}

/** Footers by hyparquet, and by parquetjs-lite in the full audit: rows, columns, fingerprint. */
async function compareFooters(
  chosen: readonly PlannedPartition[],
  files: readonly string[],
  depth: AuditedRecord['depth'],
): Promise<void> {
  const wrong: PlannedPartition[] = []
  // Loaded only where it is used: it takes memory of every worker.
  const third = depth === 'full' ? await import('../parquet/parquetjs-footer.js') : undefined
  for (const [i, partition] of chosen.entries()) {
    if (i % FOOTERS_PER_TURN === 0) await nextTurn()
    const file = files[i] ?? ''
    const footers = [
      footerIn(file),
      ...(third === undefined ? [] : [await footerOrNone(third.footerByParquetjs(file))]),
    ]
    if (!footers.every((footer) => isFooterOf(partition, footer))) wrong.push(partition)
  }
  if (wrong.length > 0) throw difference('ETL3-AU-03', 'footers differ from the plan', wrong)
}

const COLUMN_NAMES = DICTIONARY.map((c) => c.name).join()

function isFooterOf(partition: PlannedPartition, footer: Footer | undefined): boolean {
  return (
    footer?.rows === partition.rows &&
    footer.columns.join() === COLUMN_NAMES &&
    footer.metadata.get('etl3.fingerprint') === partition.fingerprint
  )
}

/** A footer that cannot be read is a difference like any other: it names the partition and is not tried again. */
function footerIn(file: string): Footer | undefined {
  try {
    return readFooter(file)
  } catch {
    return undefined
  }
}

async function footerOrNone(reading: Promise<Footer>): Promise<Footer | undefined> {
  try {
    return await reading
  } catch {
    return undefined
  }
}

/** Every row by DuckDB: counts, and a checksum over all columns, against a join of the staged star. */
async function compareRows(input: {
  readonly engine: Engine
  readonly paths: StagedPaths
  readonly chosen: readonly PlannedPartition[]
  /** Local files of the chosen partitions' objects. */
  readonly files: readonly string[]
  /** Only these codes; all if it is not said. */
  readonly range: CodeRange | undefined
}): Promise<void> {
  const { engine, paths, chosen, files, range } = input
  const named = chosen.map((p, i) => `(${p.ordinal}, ${sqlString(resolve(files[i] ?? ''))})`).join(', ')
  for (const statement of enrichInSql(paths, chosen, range)) await engine.run(statement)
  // The sum of hashes over all columns: equal for equal rows in any order, and one wrong value changes it.
  const sums = `count(*) AS rows, sum(hash(${FILE_COLUMNS})::HUGEINT) AS checksum`
  await engine.run(`CREATE OR REPLACE TEMP TABLE due AS SELECT ordinal, ${sums} FROM enriched GROUP BY ordinal`)
  const wrong = await engine.column(`WITH found AS (
      SELECT f.ordinal, ${sums} FROM ${readParquet(files, ', filename = true')} r
      JOIN (VALUES ${named}) f (ordinal, filename) ON f.filename = r.filename
      WHERE ${range?.condition ?? 'true'} GROUP BY f.ordinal)
    SELECT coalesce(d.ordinal, f.ordinal) FROM due d FULL JOIN found f ON f.ordinal = d.ordinal
    WHERE (d.rows, d.checksum) IS DISTINCT FROM (f.rows, f.checksum)`)
  if (wrong.length === 0) return
  const ordinals = new Set(wrong.map(Number))
  throw difference(
    'ETL3-AU-04',
    'rows differ from the staged data',
    chosen.filter((p) => ordinals.has(p.ordinal)),
  )
}

function difference(code: string, what: string, partitions: readonly { readonly key: string }[]): IntegrityError {
  const named = partitions
    .slice(0, NAMED)
    .map((p) => sqlString(p.key))
    .join(', ')
  const more = partitions.length > NAMED ? ` and ${partitions.length - NAMED} more` : ''
  return new IntegrityError(code, `${what} in ${partitions.length} partitions: ${named}${more}`, {
    hint: 'Nothing was published, the table is as it was. Check disk and memory, then run again.',
  })
}
