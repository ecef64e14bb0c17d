/** A small Iceberg table in a folder: a column of every type, partitioned by payer and month. */
import { join } from 'node:path'
import type { IcebergTable } from '../../../src/iceberg/commit-table.js'
import { type DataFile, MetricsCollector } from '../../../src/iceberg/data-file.js'
import type { CommitRequest } from '../../../src/iceberg/plan-commit.js'
import type { TableColumn } from '../../../src/iceberg/table-columns.js'
import type { TableLayout } from '../../../src/iceberg/table-layout.js'
import { VersionedCatalog } from '../../../src/iceberg/versioned-catalog.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import type { ObjectStore } from '../../../src/lake/object-store.js'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'
import { columnOf, encodeAll, group, type Partition, type Row } from '../parquet/partition.js'

export const COLUMNS: readonly TableColumn[] = [
  { name: 'payer', type: 'string', fieldId: 1, meaning: 'Who pays.' },
  { name: 'month', type: 'string', fieldId: 2, meaning: 'When.' },
  { name: 'text', type: 'string', fieldId: 3, meaning: 'Any text.' },
  { name: 'amount', type: 'double', fieldId: 4, meaning: 'Any number.' },
  { name: 'count', type: 'int32', fieldId: 5, meaning: 'A whole number.' },
  { name: 'day', type: 'date', fieldId: 6, meaning: 'A day.' },
  { name: 'flag', type: 'boolean', fieldId: 7, meaning: 'Yes or no.' },
  { name: 'tags', type: 'list', fieldId: 8, elementFieldId: 9, meaning: 'Some texts.' },
]

export const LAYOUT: TableLayout = {
  columns: COLUMNS,
  partitionColumns: ['payer', 'month'],
  sortColumns: ['text'],
}

/** An instant; tests count from it. */
export const START_MS = Date.parse('2026-03-01T00:00:00Z')

/** A table in a new folder. */
export function folderTable(): IcebergTable {
  return tableIn(new FolderStore(join(lakeFolder(), 'analytics')))
}

/** A table below the root of a store. */
export function tableIn(store: ObjectStore): IcebergTable {
  return { store, catalog: new VersionedCatalog(store) }
}

/** A row with these values, and NULL in all other columns. */
export function row(values: Row): Row {
  return Object.fromEntries(COLUMNS.map(({ name }) => [name, values[name] ?? null]))
}

/** Encodes rows as a file and stores it under its name. */
export async function writeRows({ store }: IcebergTable, name: string, rows: readonly Row[]): Promise<DataFile> {
  const values = LAYOUT.partitionColumns.map((column) => textOf(rows[0]?.[column]))
  return await writeFile(store, name, COLUMNS, partitionOf(COLUMNS, rows), values)
}

/** Rows as the encoder takes them: an axis for each column. */
export function partitionOf(columns: readonly TableColumn[], rows: readonly Row[]): Partition {
  const parts = columns.map(({ name, type }) =>
    columnOf(
      type,
      rows.map((cells) => cells[name] ?? null),
      name,
    ),
  )
  return {
    columns,
    sources: parts.flatMap(({ sources }, axis) =>
      sources.map((source) => (source.from === 'axis' ? { ...source, axis } : source)),
    ),
    groups: [
      group(
        rows.map(() => 1),
        parts.flatMap(({ groups }) => groups.flatMap(({ axes }) => axes)),
      ),
    ],
  }
}

/** Encodes a partition as a file, and stores it under its name. */
export async function writeFile(
  store: ObjectStore,
  name: string,
  columns: readonly TableColumn[],
  partition: Partition,
  values: readonly (string | null)[],
): Promise<DataFile> {
  const metrics = new MetricsCollector(columns)
  const encoder = createPartitionEncoder(columns, { observe: (chunk) => metrics.add(chunk) })
  const bytes = encodeAll(encoder, partition)
  const key = `data/${name}.parquet`
  await store.put(key, bytes, GO_ON)
  return {
    path: store.locate(key),
    rows: partition.groups.reduce((sum, { rows }) => sum + rows, 0),
    bytes: bytes.byteLength,
    partition: values,
    ...metrics.take(),
  }
}

/** The request of a run: the `n`th holds the `n`th lock, an hour after the one before. */
export function run(n: number, files: readonly DataFile[], layout = LAYOUT): CommitRequest {
  return { layout, files, run: { id: `run-${n}`, lockNumber: n, nowMs: START_MS + n * 3_600_000 } }
}

function textOf(cell: unknown): string | null {
  return typeof cell === 'string' ? cell : null
}
