/** An input table as it lies now, for a question about its rows: without the checksums that a run takes. */
import { resolve } from 'node:path'
import type { Config, TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { InputError } from '../runtime/errors.js'
import { isS3Address } from '../runtime/uri.js'
import { contractOf } from './contract.js'
import { distinctFiles } from './distinct-files.js'
import { type CheckedFile, columnForm, filesBySchema, readSchemas } from './file-schema.js'
import { FolderTree } from './folder-tree.js'
import { findFiles } from './input-tree.js'
import { placeOf } from './inputs.js'
import { whyMissingInFolder } from './missing-place.js'
import { pathColumnsOf } from './path-columns.js'
import type { CheckedTable } from './validate.js'

/** Column of {@link selectWithFile} that holds the path of a row's file. No input has a column of this name. */
export const FILE_COLUMN = 'etl3_input_file'

/**
 * Finds the files of a table, and what their schemas give for the contract.
 *
 * @throws InputError ETL3-WH-02 when the table lies in a bucket: its files would have to be copied whole for one row
 * @throws InputError ETL3-IN-01 when nothing lies there, and as `readSchemas`
 */
export async function lookAtTable(
  config: Pick<Config, 'input'>,
  name: TableName,
  engine: Engine,
): Promise<CheckedTable> {
  const place = placeOf(config, contractOf(name))
  if (isS3Address(place)) {
    throw new InputError('ETL3-WH-02', `${name} lies in a bucket, and is not searched for single rows [${place}]`, {
      hint: 'Copy the table to a folder, name it under input.tables, and ask again.',
    })
  }
  const found = findFiles(new FolderTree(), resolve(place), '/')
  if (!found || found.files.length === 0) {
    const reason = whyMissingInFolder(place)
    throw new InputError('ETL3-IN-01', `${name} is not there (${place})${reason === undefined ? '' : `; ${reason}`}`, {
      hint: 'Set input.root to the folder that holds gold/, dims/ and xrefs/, or the path of each table under input.tables.',
    })
  }
  const files = distinctFiles(found.files).files.map((path) => ({ path, pathColumns: pathColumnsOf(name, path) }))
  const schemas = await readSchemas(name, files, engine)
  return {
    name,
    files: files.flatMap((file, i): CheckedFile[] => {
      const schema = schemas[i]
      return schema ? [{ ...file, schema }] : []
    }),
  }
}

/**
 * A SELECT of some of the contract's columns, as staging reads them, with the file of each row in {@link FILE_COLUMN}.
 * Columns that a file does not have are NULL.
 */
export function selectWithFile({ name, files }: CheckedTable, columns: readonly string[]): string {
  const wanted = contractOf(name).columns.filter((column) => columns.includes(column.name))
  return filesBySchema(files)
    .map(({ schema, files }) => {
      const values = wanted.map((column) => {
        const found = columnForm(column, schema)
        return `${found ? found.form.value(found.source) : 'NULL'} AS ${sqlIdentifier(column.name)}`
      })
      const source = readParquet(
        files.map(({ path }) => path),
        `, filename = '${FILE_COLUMN}'`,
      )
      return `SELECT ${[...values, FILE_COLUMN].join(', ')} FROM ${source}`
    })
    .join(' UNION ALL ')
}
