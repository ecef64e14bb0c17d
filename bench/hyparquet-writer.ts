/**
 * What hyparquet-writer takes for the same files: it is given the rows of partitions that ETL3 wrote as arrays of
 * columns, read outside of the clock, and makes each file of them in memory, snappy as ETL3 does, and stores it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { SchemaElement } from 'hyparquet'
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'
import { ENRICHED_COLUMNS } from '../test/oracle/oracle-table.js'
import { text } from '../test/oracle/sql.js'

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const

/** The types of ETL3's table, all of them nullable. */
const ELEMENTS: Readonly<Record<string, (name: string) => SchemaElement[]>> = {
  VARCHAR: (name) => [{ name, ...TEXT, repetition_type: 'OPTIONAL' }],
  DOUBLE: (name) => [{ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' }],
  BOOLEAN: (name) => [{ name, type: 'BOOLEAN', repetition_type: 'OPTIONAL' }],
  'VARCHAR[]': (name) => [
    { name, converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    { name: 'element', ...TEXT, repetition_type: 'OPTIONAL' },
  ],
}

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: ENRICHED_COLUMNS.length },
  ...ENRICHED_COLUMNS.flatMap(([name, type]) => {
    const elements = ELEMENTS[type]
    if (!elements) throw new Error(`no Parquet type is given for ${type}, the type of ${name}`)
    return elements(name)
  }),
]

/** Milliseconds that each of ETL3's `files` takes when hyparquet-writer makes it in `out`. */
export async function hyparquetMsPerFile(files: readonly string[], out: string): Promise<number> {
  const partitions = await columnsOf(files)
  const writeAll = (name: string): number => {
    const into = join(out, name)
    mkdirSync(into, { recursive: true })
    const began = performance.now()
    for (const [i, columnData] of partitions.entries()) {
      const file = parquetWriteBuffer({ schema: SCHEMA, columnData, codec: 'SNAPPY' })
      writeFileSync(join(into, `${i}.parquet`), new Uint8Array(file))
    }
    return (performance.now() - began) / files.length
  }
  // Once to warm up: ETL3's figure is the mean of a whole run.
  writeAll('cold')
  return writeAll('warm')
}

async function columnsOf(files: readonly string[]): Promise<ColumnSource[][]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const partitions: ColumnSource[][] = []
    for (const file of files) {
      const rows = await connection.runAndReadAll(`FROM read_parquet(${text(file)}, hive_partitioning = false)`)
      const columns = rows.getColumnsObjectJS()
      partitions.push(ENRICHED_COLUMNS.map(([name]) => ({ name, data: columns[name] ?? [] })))
    }
    return partitions
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
