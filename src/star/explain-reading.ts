/** Which file and which column is to blame when reading the input fails: the engine does not name both. */
import type { TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { Etl3Error } from '../runtime/errors.js'
import { contractOf } from './contract.js'
import { askForFooters, type CheckedFile, columnForm, localOf } from './file-schema.js'
import { unreadable } from './unreadable-file.js'

interface ReadTable {
  readonly name: TableName
  readonly files: readonly CheckedFile[]
}

/**
 * Runs `act`, which reads these tables. Where that fails, each column of each file is read by itself to find the one
 * that cannot be; where all of them can, it was something else, and the error stays as it is.
 *
 * @throws InputError ETL3-IN-03 with the table, the column, the value where there is one, and the file
 */
export async function explainReading<T>(
  tables: readonly ReadTable[],
  engine: Engine,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Etl3Error || isInterrupt(error)) throw error
    for (const { name, files } of tables) await probe(name, files, engine)
    throw error
  }
}

async function probe(name: TableName, files: readonly CheckedFile[], engine: Engine): Promise<void> {
  for (const file of files) {
    // The checks of the input have read the footer of another file that begins like this one's.
    await askForFooters(name, [file], engine)
    for (const column of contractOf(name).columns) {
      const read = columnForm(column, file.schema)
      if (!read) continue
      try {
        await engine.run(`SELECT max(hash(${read.form.value(read.source)})) FROM ${readParquet([localOf(file)])}`)
      } catch (cause) {
        if (cause instanceof Etl3Error || isInterrupt(cause)) throw cause
        throw unreadable(`${name}.${column.name}`, file.path, cause, file.local)
      }
    }
  }
}

/** Whether a statement was stopped from outside. */
export function isInterrupt(error: unknown): boolean {
  return error instanceof Error && /^INTERRUPT Error/i.test(error.message)
}
