/** Texts that do not have the form of their column: taken as they are, and told, because they match nothing or sort elsewhere. */
import type { TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import { contractOf } from './contract.js'
import { type CheckedFile, columnForm, filesBySchema, localOf } from './file-schema.js'

/** Texts of a column that do not have its form. Blanks are none. */
export interface OddTexts {
  readonly column: string
  readonly rows: number
  /** One of them. */
  readonly example: string
}

/** Counts the odd texts of the columns that have a form, in the order of the contract. */
export async function findOddTexts(
  name: TableName,
  files: readonly CheckedFile[],
  engine: Engine,
): Promise<OddTexts[]> {
  const found: OddTexts[] = []
  for (const column of contractOf(name).columns) {
    const { form } = column
    if (!form) continue
    const texts = filesBySchema(files).flatMap(({ schema, files: alike }) => {
      const read = columnForm(column, schema)
      return read ? [`SELECT ${read.form.value(read.source)} AS t FROM ${readParquet(alike.map(localOf))}`] : []
    })
    if (texts.length === 0) continue
    const { rows, example } = await engine.row(
      `SELECT count(*)::BIGINT AS rows, min(t) AS example FROM (${texts.join(' UNION ALL ')})
       WHERE trim(t) <> '' AND NOT regexp_full_match(t, ${sqlString(form.pattern)})`,
    )
    if (Number(rows) > 0) found.push({ column: column.name, rows: Number(rows), example: String(example) })
  }
  return found
}
