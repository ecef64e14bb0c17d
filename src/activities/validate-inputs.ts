/** Checks the input: schemas, keys, free disk. Leaves `inputs.json`. */
import { ANALYTICS_DISK_FACTOR, keptAnalyticsUri } from '../config/analytics-place.js'
import type { Measured, RunRef, ValidatedInputs } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { type InputsRecord, inputsRecordJson, parseInputsRecord } from '../records/inputs.js'
import { ResourceError } from '../runtime/errors.js'
import { bytesText } from '../runtime/figures.js'
import { freeRoomAt } from '../runtime/free-room.js'
import { warningsOf } from '../star/input-warnings.js'
import { type InputTable, leftOutOf, withCopies } from '../star/inputs.js'
import { differencesToPaths } from '../star/path-differences.js'
import { type CheckedTable, checkKeys, checkSchemas } from '../star/validate.js'
import type { ActivityDeps } from './deps.js'
import { openContextOverInputs, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

/**
 * Least free space, as a multiple of the input's bytes. Measured on the real star: staged files, objects and spill
 * together take about 20 times its 25 MB of input.
 */
const DISK_FACTOR = 4
const LEAST_FREE_BYTES = 64 * 1024 * 1024

/** Validates the input of a run. */
export function validateInputs(
  deps: ActivityDeps,
): (run: RunRef, scope: ActivityScope) => Promise<Omit<ValidatedInputs, keyof Measured>> {
  return async (ref, { signal }) => {
    const context = await openContextOverInputs(ref, deps, signal)
    const { records, record, config, copies } = context
    const done = await records.find('inputs.json', parseInputsRecord, signal)
    if (done) return await answer(context, done, signal)
    requireFreeDisk(context)
    const found = await withEngine(deps, context.scratch, signal, async (engine) => {
      const tables = await checkSchemas(withCopies(record.inputs, copies), engine)
      const findings = await checkKeys(withCopies(tables, copies), config.input.duplicates, engine)
      const differences = await differencesOf(withCopies(record.inputs, copies), tables, engine)
      return { tables, findings, differences }
    })
    const saved: InputsRecord = {
      formatVersion: 1,
      tables: found.tables,
      findings: found.findings,
      warnings: [
        ...(leftOutOf(record.inputs) ?? []),
        ...record.inputs.flatMap(({ notices }) => notices ?? []),
        ...warningsOf(found.findings),
        ...found.differences,
      ],
    }
    for (const warning of saved.warnings) deps.log.warn(warning)
    await records.save('inputs.json', inputsRecordJson(saved), signal)
    return await answer(context, saved, signal)
  }
}

async function answer(
  { records }: RunContext,
  record: InputsRecord,
  signal: AbortSignal,
): Promise<Omit<ValidatedInputs, keyof Measured>> {
  const reference = await records.reference('inputs.json', signal)
  if (!reference) throw new Error('inputs.json was not stored')
  return {
    record: reference,
    facts: record.findings.find((t) => t.name === 'fact_rate')?.rows ?? 0,
    warnings: record.warnings.length,
  }
}

/** Where the files of a table say something else than their paths. */
async function differencesOf(
  inputs: readonly InputTable[],
  checked: readonly CheckedTable[],
  engine: Engine,
): Promise<string[]> {
  const warnings: string[] = []
  for (const { name, files } of inputs) {
    const schemas = new Map(
      checked.find((table) => table.name === name)?.files.map(({ path, schema }) => [path, schema]),
    )
    const withSchema = files.flatMap((file) => {
      const schema = schemas.get(file.path)
      return schema ? [{ ...file, schema }] : []
    })
    warnings.push(...(await differencesToPaths(name, withSchema, engine)))
  }
  return warnings
}

/** @throws ResourceError ETL3-DK-01 when the disk is too full to begin */
function requireFreeDisk({ record, config, scratch }: RunContext): void {
  const analytics = keptAnalyticsUri(config)
  const inputBytes = record.inputs.flatMap((t) => t.files).reduce((sum, f) => sum + f.bytes, 0)
  const factor = DISK_FACTOR + (analytics === undefined ? 0 : ANALYTICS_DISK_FACTOR)
  const needed = Math.max(LEAST_FREE_BYTES, factor * inputBytes)
  const places = [scratch, config.output.uri, config.output.metadata_uri, analytics]
  const folders = places.flatMap((uri) => (uri === undefined || uri.includes('://') ? [] : uri))
  for (const folder of folders) {
    const { freeBytes: free } = freeRoomAt(folder)
    if (free >= needed) continue
    throw new ResourceError(
      'ETL3-DK-01',
      `too little free disk: ${bytesText(free)} at ${folder}, at least ${bytesText(needed)} are needed`,
      { hint: 'Free some space, or set output.uri, output.metadata_uri or processing.scratch to a larger disk.' },
    )
  }
}
