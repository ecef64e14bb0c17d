/**
 * A table whose current metadata file is named by a table of Glue, as Iceberg's own Glue catalog does it
 * (GlueTableOperations): parameters `table_type`, `metadata_location` and `previous_metadata_location`, changed only
 * where the table still has the version that was read.
 */
import type { Column, Table, TableInput } from '@aws-sdk/client-glue'
import type { GlueTables } from '../lake/glue/tables.js'
import type { ObjectStore } from '../lake/object-store.js'
import { ConflictError } from '../runtime/errors.js'
import { contentName, digestUuid } from './digest-names.js'
import { type FoundTable, METADATA_FOLDER, type TableCatalog } from './table-catalog.js'
import { readTableFile } from './table-files.js'
import {
  currentSnapshot,
  parseTableMetadata,
  RUN_SUMMARY,
  type SchemaField,
  type TableMetadata,
  writeTableMetadata,
} from './table-metadata.js'

const TABLE_TYPE = 'table_type'
const ICEBERG = 'ICEBERG'
const METADATA_LOCATION = 'metadata_location'
const PREVIOUS_METADATA_LOCATION = 'previous_metadata_location'
/** Says to ETL3's own tools which run the table shows; Iceberg does not know it. */
const RUN_PARAMETER = 'etl3.run_id'

const VERSION = /\/(\d+)-[^/]*\.metadata\.json$/
const VERSION_DIGITS = 5

/** Glue takes comments of at most this many characters, of one line. */
const LONGEST_COMMENT = 255

/** Where the table lies. */
export interface GlueTableOptions {
  readonly glue: GlueTables
  /** The table's name in the database. */
  readonly table: string
  /** Its root is the table's root. */
  readonly store: ObjectStore
}

/** A table of Glue. */
export class GlueTableCatalog implements TableCatalog {
  readonly name: string
  readonly findsByPlace = false
  readonly #glue: GlueTables
  readonly #table: string
  readonly #store: ObjectStore

  constructor({ glue, table, store }: GlueTableOptions) {
    this.name = `Glue: ${glue.database}.${table}`
    this.#glue = glue
    this.#table = table
    this.#store = store
  }

  async load(signal: AbortSignal): Promise<FoundTable | undefined> {
    const table = await this.#glue.find(this.#table, signal)
    return table && (await this.#found(table, signal))
  }

  async replace(found: FoundTable | undefined, metadata: TableMetadata, signal: AbortSignal): Promise<boolean> {
    const bytes = writeTableMetadata(metadata)
    const version = String((found?.version ?? -1) + 1).padStart(VERSION_DIGITS, '0')
    const key = `${METADATA_FOLDER}/${version}-${digestUuid(contentName(bytes))}.metadata.json`
    await this.#store.put(key, bytes, signal)
    const location = this.#store.locate(key)
    // The version that Glue compares belongs to what was read here, not to what was read before.
    const table = await this.#glue.find(this.#table, signal)
    if (table?.Parameters?.[METADATA_LOCATION] === found?.metadataFile) {
      try {
        if (await this.#put(tableInput(this.#table, metadata, location, table), table, signal)) return true
      } catch (error) {
        // The answer may be what was lost, and not the change.
        if (await this.#hasTaken(location, signal)) return true
        throw error
      }
    }
    if (await this.#hasTaken(location, signal)) return true
    // Nobody names the file.
    await this.#store.delete([key], signal)
    return false
  }

  /** Glue is the only place that tells. */
  async refresh(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
  }

  async #found(table: Table, signal: AbortSignal): Promise<FoundTable> {
    const { [TABLE_TYPE]: type = '', [METADATA_LOCATION]: metadataFile } = table.Parameters ?? {}
    if (type.toUpperCase() !== ICEBERG || metadataFile === undefined) {
      throw new ConflictError('ETL3-IC-01', `there is a table of that name that is no Iceberg table [${this.name}]`, {
        hint: 'Choose another name for the analytics table, or drop that table; its files stay.',
      })
    }
    const bytes = await readTableFile(this.#store, metadataFile, signal)
    const version = Number(VERSION.exec(metadataFile)?.[1] ?? 0)
    return { metadata: parseTableMetadata(bytes, metadataFile), metadataFile, version, strangers: [] }
  }

  async #put(input: TableInput, table: Table | undefined, signal: AbortSignal): Promise<boolean> {
    if (table) return await this.#glue.update(input, table, signal)
    await this.#glue.ensureDatabase('Tables that ETL3 registers.', signal)
    return await this.#glue.create(input, [], signal)
  }

  /** Whether a metadata file is the table's, or was: an attempt with a lost answer, or a twin, may have been first. */
  async #hasTaken(location: string, signal: AbortSignal): Promise<boolean> {
    const now = await this.load(signal)
    if (!now) return false
    return (
      now.metadataFile === location || now.metadata['metadata-log'].some((entry) => entry['metadata-file'] === location)
    )
  }
}

function tableInput(name: string, metadata: TableMetadata, location: string, table: Table | undefined): TableInput {
  const previous = table?.Parameters?.[METADATA_LOCATION]
  const run = currentSnapshot(metadata)?.summary[RUN_SUMMARY]
  return {
    Name: name,
    Description: 'Negotiated rates, one row per fact and provider, as an Apache Iceberg table.',
    TableType: 'EXTERNAL_TABLE',
    ...(table?.Owner === undefined ? {} : { Owner: table.Owner }),
    ...(table?.Retention === undefined ? {} : { Retention: table.Retention }),
    StorageDescriptor: { Columns: columnsOf(metadata), Location: metadata.location },
    Parameters: {
      EXTERNAL: 'TRUE',
      ...table?.Parameters,
      [TABLE_TYPE]: ICEBERG,
      [METADATA_LOCATION]: location,
      ...(previous === undefined ? {} : { [PREVIOUS_METADATA_LOCATION]: previous }),
      ...(run === undefined ? {} : { [RUN_PARAMETER]: run }),
    },
  }
}

function columnsOf(metadata: TableMetadata): Column[] {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === metadata['current-schema-id'])
  return (schema?.fields ?? []).map((field) => ({
    Name: field.name,
    Type: glueType(field.type),
    Comment: commentOf(field),
    Parameters: {
      'iceberg.field.id': String(field.id),
      'iceberg.field.optional': String(!field.required),
      'iceberg.field.current': 'true',
    },
  }))
}

/** Of ETL3's types only the list is called otherwise. */
function glueType(type: SchemaField['type']): string {
  return typeof type === 'string' ? type : 'array<string>'
}

function commentOf({ doc }: SchemaField): string {
  const line = typeof doc === 'string' ? doc.replace(/\s+/gu, ' ') : ''
  return line.length <= LONGEST_COMMENT ? line : `${line.slice(0, LONGEST_COMMENT - 1)}…`
}
