/** The input as it lies now, searched for single rows, and compared with the files that the published run read. */
import { statSync } from 'node:fs'
import type { Config, TableName } from '../config/schema.js'
import type { Cell, Engine } from '../engine/engine.js'
import type { RunRecord } from '../records/run.js'
import { explainReading } from '../star/explain-reading.js'
import { lookAtTable, selectWithFile } from '../star/look-at-table.js'
import type { CheckedTable } from '../star/validate.js'
import type { FileState } from './followed-row.js'

/** Searches tables of the input. All of it throws InputError where a table cannot be read. */
export interface InputSearch {
  /**
   * Rows that a statement gives.
   * @param tables the columns that it reads. Each table is a view `in_<table>` that also has `FILE_COLUMN`
   */
  rows(tables: ReadColumns, sql: string): Promise<Record<string, Cell>[]>
  /** How a file compares with what the published run read of the table. */
  stateOf(table: TableName, file: string): FileState
  /** Whether files of these tables came, went or changed since the published run read them. */
  changed(tables: readonly TableName[]): Promise<boolean>
  /** Rows of another local file, with the views of the last call of `rows` at hand. */
  readonly engine: Pick<Engine, 'rows'>
}

/** Columns by table. */
export type ReadColumns = Readonly<Partial<Record<'fact_rate' | 'dim_npi' | 'xref_pg_member_npi', readonly string[]>>>

/** @param record of the published run; undefined where there is none */
export function openInputSearch(
  config: Pick<Config, 'input'>,
  record: Pick<RunRecord, 'inputs'> | undefined,
  engine: Engine,
): InputSearch {
  const found = new Map<TableName, Promise<CheckedTable>>()
  const look = (name: TableName): Promise<CheckedTable> => {
    const looked = found.get(name) ?? lookAtTable(config, name, engine)
    found.set(name, looked)
    return looked
  }
  const read = new Map(
    record?.inputs.map(({ name, files }) => [name, new Map(files.map((file) => [file.path, file]))] as const),
  )
  const stateOf = (table: TableName, path: string): FileState => {
    if (!record) return 'unknown'
    const before = read.get(table)?.get(path)
    if (!before) return 'not read'
    const now = statSync(path, { throwIfNoEntry: false })
    return now?.size === before.bytes && now.mtimeMs === before.modifiedMs ? 'as read' : 'changed since'
  }
  return {
    engine,
    stateOf,
    async rows(tables, sql) {
      const looked: CheckedTable[] = []
      for (const name of SEARCHED) {
        const columns = tables[name]
        if (!columns) continue
        const table = await look(name)
        looked.push(table)
        await engine.run(`CREATE OR REPLACE TEMP VIEW in_${name} AS ${selectWithFile(table, columns)}`)
      }
      return await explainReading(looked, engine, () => engine.rows(sql))
    },
    async changed(tables) {
      for (const name of tables) {
        const { files } = await look(name)
        if (files.length !== (read.get(name)?.size ?? 0)) return true
        if (files.some(({ path }) => stateOf(name, path) !== 'as read')) return true
      }
      return false
    },
  }
}

const SEARCHED = ['fact_rate', 'dim_npi', 'xref_pg_member_npi'] as const
