/**
 * The schemas of all files of a table. Thousands of files have a few schemas between them: the footers of many files are
 * read in one statement, and each schema that occurs is held against the contract once.
 */
import type { TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { type FileSchema, readSchema } from './file-schema.js'
import type { InputFile } from './inputs.js'

/** A file of the input with its schema. */
export interface FileWithSchema {
  readonly file: InputFile
  readonly schema: FileSchema
}

/** Footers of so many files are read in one statement. */
const FILES_PER_STATEMENT = 1_000

/** @throws InputError as {@link readSchema} does, for the first file in which there is something wrong */
export async function readSchemas(
  name: TableName,
  files: readonly InputFile[],
  engine: Engine,
): Promise<FileWithSchema[]> {
  const known = new Map<string, FileSchema>()
  const read: FileWithSchema[] = []
  for (let from = 0; from < files.length; from += FILES_PER_STATEMENT) {
    const some = files.slice(from, from + FILES_PER_STATEMENT)
    const footers = await readFooters(some, engine)
    for (const file of some) {
      const footer = footers.get(localOf(file))
      const alike = footer && known.get(footer.likeness)
      const schema = alike && footer ? { ...alike, rows: footer.rows } : await readSchema(name, file, engine)
      if (footer) known.set(footer.likeness, schema)
      read.push({ file, schema })
    }
  }
  return read
}

interface Footer {
  /** The same for files whose Parquet schemas are equal in every field. */
  readonly likeness: string
  readonly rows: number
}

/** Footers by path. None where one of the files has no readable one: each is then looked at by itself, which names it. */
async function readFooters(files: readonly InputFile[], engine: Engine): Promise<ReadonlyMap<string, Footer>> {
  if (files.length < 2) return new Map()
  const paths = `[${files.map((file) => sqlString(localOf(file))).join(', ')}]`
  try {
    const found = await engine.rows(`SELECT file_name, num_rows, likeness
      FROM (SELECT file_name, md5(to_json(list(struct_pack(${FIELDS}) ORDER BY column_id))::VARCHAR) AS likeness
        FROM parquet_schema(${paths}) GROUP BY file_name)
      JOIN (SELECT file_name, sum(num_rows)::BIGINT AS num_rows FROM parquet_file_metadata(${paths}) GROUP BY file_name)
      USING (file_name)`)
    return new Map(
      found.map((row) => [
        String(row['file_name']),
        { likeness: String(row['likeness']), rows: Number(row['num_rows']) },
      ]),
    )
  } catch {
    return new Map()
  }
}

/** All that `parquet_schema` says of a field, but for the file. */
const FIELDS = [
  'name',
  'type',
  'type_length',
  'repetition_type',
  'num_children',
  'converted_type',
  'scale',
  'precision',
  'field_id',
  'logical_type',
  'duckdb_type',
  'column_id',
]
  .map(sqlIdentifier)
  .map((field) => `${field} := ${field}`)
  .join(', ')

function localOf(file: InputFile): string {
  return file.local ?? file.path
}
