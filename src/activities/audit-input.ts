/** The audit that begins at the input, of a whole run: part of `audit.json`. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { auditInput, type InputAuditFigures } from '../audit/input-audit.js'
import { STAR_TABLES, type StarTableName } from '../audit/star-tables.js'
import type { AuditedFile, AuditedTable } from '../audit/table-rows.js'
import type { PlannedObject } from '../audit/written-rows.js'
import { QUARANTINE } from '../records/names.js'
import { fetchPlan, type PlanRecord } from '../records/plan.js'
import { objectName } from '../records/unit.js'
import type { ActivityDeps } from './deps.js'
import type { InputContext } from './run-context.js'
import type { ActivityScope } from './scope.js'

const MB = 1024 * 1024
/** Share of the JavaScript heap for one column at a time. */
const HEAP_SHARE = 0.3

/**
 * Audits the input of a run whose units are all audited.
 *
 * @throws IntegrityError ETL3-AU-05, ETL3-AU-06 when the input gives other rows than were written
 */
export async function auditInputOf(
  context: InputContext,
  plan: PlanRecord,
  deps: ActivityDeps,
  { signal, heartbeat }: ActivityScope,
): Promise<InputAuditFigures> {
  const { records, table, config, layout, scratch } = context
  const local = (name: string): Promise<string> => records.store.fetchLocal(records.key(name), scratch, signal)
  return await auditInput({
    tables: tablesOf(context),
    quarantined: await local(QUARANTINE),
    partitionColumns: layout.columns,
    written: {
      plan: await fetchPlan(context, signal),
      fetch: async ({ unit, ordinal, key }: PlannedObject) =>
        unit === undefined ? await table.fetchLocal(key, scratch, signal) : await local(objectName(unit, ordinal)),
    },
    plannedRows: plan.rows,
    depth: config.processing.audit,
    limits: {
      chunkBytes: deps.budget.buffersMb * MB,
      heapBytes: deps.budget.nodeHeapMb * HEAP_SHARE * MB,
    },
    breathe: async () => {
      await nextTurn()
      signal.throwIfAborted()
      heartbeat({ audit: 'input' })
      deps.memory.ease(signal)
    },
  })
}

/** A file as `run.json` has it. */
interface RecordedFile {
  readonly path: string
  readonly sha256: string
  /** Columns that stand in its path. */
  readonly pathColumns?: Readonly<Record<string, string | null>> | undefined
}

function tablesOf({ record, copies }: InputContext): AuditedTable[] {
  const audited = ({ path, sha256, pathColumns = {} }: RecordedFile): AuditedFile => ({
    path,
    local: copies.get(path) ?? path,
    seed: Number.parseInt(sha256.slice(0, 8), 16),
    pathColumns: new Map(Object.entries(pathColumns)),
  })
  return record.inputs.flatMap(({ name, files }) => (isStarTable(name) ? [{ name, files: files.map(audited) }] : []))
}

function isStarTable(name: string): name is StarTableName {
  return name in STAR_TABLES
}
