/** The two tables as Glue takes them: columns, keys and properties; no DDL anywhere. */
import { createHash } from 'node:crypto'
import type { Column, PartitionIndex, StorageDescriptor, Table, TableInput } from '@aws-sdk/client-glue'
import type { CatalogColumn, PublishedTable } from '../catalog.js'
import type { ObservedPartitions } from './observed-values.js'
import { projectedTableName } from './projected-table-name.js'
import {
  decideKeys,
  decideProjection,
  type KeyDecision,
  type ProjectionDecision,
  projectedProperties,
} from './projection.js'

/** Properties with this beginning are ETL3's; whatever else stands in a table's properties is kept. */
const OWN_PREFIX = 'etl3.'

/** The run whose state the table shows. */
export const RUN_PROPERTY = 'etl3.run_id'

/** The run that is bringing the table to its state: until it is done, the table shows a mixture. */
export const CLAIM_PROPERTY = 'etl3.registering'

/** Of the exact table: whether it is projected, and why; of the projected one: its keys, and why no more. */
export const PROJECTION_PROPERTY = 'etl3.projection'

/** What costs the projected table keys that one would expect. */
export const PROJECTION_WARNING_PROPERTY = 'etl3.projection_warning'

const OWN_PROPERTIES = /^(?:etl3\.|projection\.|storage\.location\.template$)/

/** Glue takes comments of at most this many characters, of one line. */
const LONGEST_COMMENT = 255

/** What a published state makes of the two tables. */
export interface TableDefinitions {
  readonly exact: TableInput
  readonly projected: TableInput
  /** Address of the table with the final '/'. */
  readonly root: string
  /** Digest of the columns, kept with each partition: a partition has columns of its own. */
  readonly columnsDigest: string
  readonly decision: ProjectionDecision
  readonly keyDecision: KeyDecision
}

/** Defines both tables as they stand when the state is registered. */
export function defineTables(state: PublishedTable, observed: ObservedPartitions): TableDefinitions {
  const root = state.tableUri.endsWith('/') ? state.tableUri : `${state.tableUri}/`
  const decision = decideProjection(observed, root)
  const keyDecision = decideKeys(observed)
  const { keys, reason, warning } = keyDecision
  const ordinary = state.columns.filter(({ name }) => !state.partitionColumns.includes(name))
  const partitionKeys = state.partitionColumns.map(
    (name) => state.columns.find((column) => column.name === name) ?? { name, type: 'string', comment: '' },
  )
  const columnsDigest = createHash('sha256')
    .update(JSON.stringify(ordinary.map(({ name, type }) => [name, type])))
    .digest('hex')
    .slice(0, 16)
  return {
    root,
    columnsDigest,
    decision,
    keyDecision,
    exact: {
      Name: state.table,
      Description: comment(
        `Negotiated rates, one row per fact and provider; one partition per combination of ${state.partitionColumns.join(', ')}.`,
      ),
      TableType: 'EXTERNAL_TABLE',
      PartitionKeys: partitionKeys.map(glueColumn),
      StorageDescriptor: parquetIn(root, ordinary.map(glueColumn)),
      Parameters: {
        ...commonProperties(state),
        'partition_filtering.enabled': 'true',
        [PROJECTION_PROPERTY]: decision.reason,
        ...decision.properties,
      },
    },
    projected: {
      Name: projectedTableName(state.table),
      Description: comment(
        `The same rows as ${state.table}, found by partition projection: ask with ${keys.map(({ key }) => key).join(', ') || 'any column'} to read fewer files.`,
      ),
      TableType: 'EXTERNAL_TABLE',
      PartitionKeys: keys.map(({ key, column }) => ({
        Name: key,
        Type: 'string',
        Comment: comment(`${column} as in the path; __NULL__ for NULL. Prunes; ask ${column} itself for its values.`),
      })),
      StorageDescriptor: parquetIn(root, state.columns.map(glueColumn)),
      Parameters: {
        ...commonProperties(state),
        [PROJECTION_PROPERTY]: reason,
        ...(warning === undefined ? {} : { [PROJECTION_WARNING_PROPERTY]: warning }),
        ...projectedProperties(keys, root),
      },
    },
  }
}

/** Storage of a partition: as the table's, without comments, which would be most of the request. */
export function partitionStorage(location: string, exact: TableInput): StorageDescriptor {
  const columns = (exact.StorageDescriptor?.Columns ?? []).map(({ Name, Type }) => ({ Name, Type }))
  return parquetIn(location, columns)
}

/**
 * The columns by which Athena's engine may ask Glue for a part of the partitions: payer and state, state and taxonomy,
 * area. Glue takes three indexes a table. Those whose columns are no partition columns are left out.
 */
export function partitionIndexes(partitionColumns: readonly string[]): PartitionIndex[] {
  const wanted = [['payer_slug', 'state'], ['state', 'primary_taxonomy_code'], ['stat_area_name']]
  return wanted
    .filter((keys) => keys.every((key) => partitionColumns.includes(key)))
    .map((keys) => ({ IndexName: `etl3_${keys.join('_')}`, Keys: keys }))
}

/** Whether a table that Glue has says what the definition says; properties and fields of others do not count. */
export function hasDefinition(table: Table, input: TableInput): boolean {
  return JSON.stringify(essence(table)) === JSON.stringify(essence(input))
}

/** Whether ETL3 made the table. */
export function isOwnTable({ Parameters }: Table): boolean {
  return Object.keys(Parameters ?? {}).some((name) => name.startsWith(OWN_PREFIX))
}

/** Whether both have the same partition keys; Glue cannot change them under a table's partitions. */
export function hasSameKeys(table: Table, input: TableInput): boolean {
  return JSON.stringify(names(table.PartitionKeys)) === JSON.stringify(names(input.PartitionKeys))
}

/** The definition while a run brings the table to its state. */
export function withClaim(input: TableInput, runId: string): TableInput {
  const { [RUN_PROPERTY]: _, ...properties } = input.Parameters ?? {}
  return { ...input, Parameters: { ...properties, [CLAIM_PROPERTY]: runId } }
}

/** The definition with what others have set on the table: their properties, its owner and retention. */
export function keepingOthers(input: TableInput, { Parameters, Owner, Retention }: Table): TableInput {
  const others = Object.entries(Parameters ?? {}).filter(([name]) => !OWN_PROPERTIES.test(name))
  return {
    ...input,
    ...(Owner === undefined ? {} : { Owner }),
    ...(Retention === undefined ? {} : { Retention }),
    Parameters: { ...Object.fromEntries(others), ...input.Parameters },
  }
}

function commonProperties(state: PublishedTable): Record<string, string> {
  const figures = Object.entries(state.figures).map(([name, value]) => [`etl3.figure.${name}`, String(value)])
  return {
    EXTERNAL: 'TRUE',
    classification: 'parquet',
    [RUN_PROPERTY]: state.runId,
    ...Object.fromEntries(figures),
  }
}

function parquetIn(location: string, columns: Column[]): StorageDescriptor {
  return {
    Columns: columns,
    Location: location,
    InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    SerdeInfo: {
      SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
      Parameters: { 'serialization.format': '1' },
    },
  }
}

function glueColumn({ name, type, comment: text }: CatalogColumn): Column & { Name: string } {
  return { Name: name, Type: type, Comment: comment(text) }
}

function comment(text: string): string {
  const line = text.replace(/\s+/gu, ' ')
  return line.length <= LONGEST_COMMENT ? line : `${line.slice(0, LONGEST_COMMENT - 1)}…`
}

function essence({ Description, PartitionKeys, StorageDescriptor, Parameters }: Table | TableInput): unknown {
  const { Columns, Location, InputFormat, OutputFormat, SerdeInfo } = StorageDescriptor ?? {}
  const columns = (list: readonly Column[] | undefined): unknown =>
    (list ?? []).map(({ Name, Type, Comment }) => [Name, Type, Comment ?? ''])
  const properties = Object.entries(Parameters ?? {})
    .filter(
      ([name]) => OWN_PROPERTIES.test(name) || name === 'partition_filtering.enabled' || name === 'classification',
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return [
    Description ?? '',
    columns(PartitionKeys),
    columns(Columns),
    [Location, InputFormat, OutputFormat, SerdeInfo?.SerializationLibrary],
    properties,
  ]
}

function names(columns: readonly Column[] | undefined): unknown {
  return (columns ?? []).map(({ Name }) => Name)
}
