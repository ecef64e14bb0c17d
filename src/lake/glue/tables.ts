/** Glue's databases, tables and partitions as ETL3 asks for them: each call with its signal, each failure in words. */
import { randomUUID } from 'node:crypto'
import {
  BatchCreatePartitionCommand,
  BatchDeletePartitionCommand,
  BatchUpdatePartitionCommand,
  CreateDatabaseCommand,
  CreatePartitionIndexCommand,
  CreateTableCommand,
  DeleteTableCommand,
  GetDatabaseCommand,
  GetPartitionIndexesCommand,
  GetPartitionsCommand,
  GetTableCommand,
  GlueClient,
  type Partition,
  type PartitionIndex,
  type PartitionInput,
  type Table,
  type TableInput,
  UpdateTableCommand,
} from '@aws-sdk/client-glue'
import { awsClientSettings, awsErrorName, awsFailure } from './connection.js'
import type { ItemError } from './partition-batches.js'

/** Partitions a page; Glue's most. */
const PAGE = 1_000

/** Names of errors by which Glue says that another writer was faster. */
const OVERTAKEN: ReadonlySet<string> = new Set(['ConcurrentModificationException', 'AlreadyExistsException'])

const NOT_FOUND = 'EntityNotFoundException'

/** One database of Glue. */
export class GlueTables {
  readonly #client: GlueClient

  constructor(
    readonly database: string,
    region: string,
  ) {
    this.#client = new GlueClient(awsClientSettings(region))
  }

  /** Makes the database unless there is one. */
  async ensureDatabase(description: string, signal: AbortSignal): Promise<void> {
    const found = await this.#ask('GetDatabase', signal, [NOT_FOUND], () =>
      this.#client.send(new GetDatabaseCommand({ Name: this.database }), { abortSignal: signal }),
    )
    if (found) return
    const input = { DatabaseInput: { Name: this.database, Description: description } }
    await this.#ask('CreateDatabase', signal, ['AlreadyExistsException'], () =>
      this.#client.send(new CreateDatabaseCommand(input), { abortSignal: signal }),
    )
  }

  /** The table, or undefined when there is none, or no database. */
  async find(name: string, signal: AbortSignal): Promise<Table | undefined> {
    const answer = await this.#ask(`GetTable ${name}`, signal, [NOT_FOUND], () =>
      this.#client.send(new GetTableCommand({ DatabaseName: this.database, Name: name }), { abortSignal: signal }),
    )
    return answer?.Table
  }

  /** Makes a table. @returns false when there is one by now */
  async create(input: TableInput, indexes: readonly PartitionIndex[], signal: AbortSignal): Promise<boolean> {
    const command = new CreateTableCommand({
      DatabaseName: this.database,
      TableInput: input,
      ...(indexes.length === 0 ? {} : { PartitionIndexes: [...indexes] }),
    })
    const answer = await this.#ask(`CreateTable ${input.Name}`, signal, [...OVERTAKEN], () =>
      this.#client.send(command, { abortSignal: signal }),
    )
    return answer !== undefined
  }

  /** Replaces a definition if the table is still the one that was read. @returns false when it is not */
  async update(input: TableInput, read: Table, signal: AbortSignal): Promise<boolean> {
    const command = new UpdateTableCommand({
      DatabaseName: this.database,
      TableInput: input,
      VersionId: read.VersionId,
      SkipArchive: true,
    })
    const answer = await this.#ask(`UpdateTable ${input.Name}`, signal, [...OVERTAKEN, NOT_FOUND], () =>
      this.#client.send(command, { abortSignal: signal }),
    )
    return answer !== undefined
  }

  /** Deletes a table with its partitions; one that is not there is no error. */
  async delete(name: string, signal: AbortSignal): Promise<void> {
    await this.#ask(`DeleteTable ${name}`, signal, [NOT_FOUND], () =>
      this.#client.send(new DeleteTableCommand({ DatabaseName: this.database, Name: name }), { abortSignal: signal }),
    )
  }

  /** All partitions of a table, page by page, without their columns. */
  async *partitions(table: string, signal: AbortSignal): AsyncGenerator<readonly Partition[]> {
    let token: string | undefined
    do {
      const command = new GetPartitionsCommand({
        DatabaseName: this.database,
        TableName: table,
        ExcludeColumnSchema: true,
        MaxResults: PAGE,
        ...(token === undefined ? {} : { NextToken: token }),
      })
      const page = await this.#ask(`GetPartitions ${table}`, signal, [], () =>
        this.#client.send(command, { abortSignal: signal }),
      )
      yield page?.Partitions ?? []
      token = page?.NextToken
    } while (token !== undefined)
  }

  /** Creates up to 100 partitions. @returns those that were not taken */
  async createPartitions(table: string, items: PartitionInput[], signal: AbortSignal): Promise<readonly ItemError[]> {
    const command = new BatchCreatePartitionCommand({ ...this.#of(table), PartitionInputList: items })
    const answer = await this.#ask(`BatchCreatePartition ${table}`, signal, [], () =>
      this.#client.send(command, { abortSignal: signal }),
    )
    return (answer?.Errors ?? []).map(({ PartitionValues, ErrorDetail }) => ({
      values: PartitionValues,
      detail: ErrorDetail,
    }))
  }

  /** Replaces up to 100 partitions. @returns those that were not taken */
  async updatePartitions(table: string, items: PartitionInput[], signal: AbortSignal): Promise<readonly ItemError[]> {
    const entries = items.map((input) => ({ PartitionValueList: input.Values ?? [], PartitionInput: input }))
    const command = new BatchUpdatePartitionCommand({ ...this.#of(table), Entries: entries })
    const answer = await this.#ask(`BatchUpdatePartition ${table}`, signal, [], () =>
      this.#client.send(command, { abortSignal: signal }),
    )
    return (answer?.Errors ?? []).map(({ PartitionValueList, ErrorDetail }) => ({
      values: PartitionValueList,
      detail: ErrorDetail,
    }))
  }

  /** Deletes up to 25 partitions. @returns those that were not taken */
  async deletePartitions(table: string, items: string[][], signal: AbortSignal): Promise<readonly ItemError[]> {
    const command = new BatchDeletePartitionCommand({
      ...this.#of(table),
      PartitionsToDelete: items.map((Values) => ({ Values })),
    })
    const answer = await this.#ask(`BatchDeletePartition ${table}`, signal, [], () =>
      this.#client.send(command, { abortSignal: signal }),
    )
    return (answer?.Errors ?? []).map(({ PartitionValues, ErrorDetail }) => ({
      values: PartitionValues,
      detail: ErrorDetail,
    }))
  }

  /**
   * Asks for the deletion of a partition that cannot be there: nothing changes, and who may not change any is told so.
   * @param columns how many partition columns the table has
   * @throws ConfigError `ETL3-AW-12` without the right to do so
   */
  async requireMayChange(table: string, columns: number, signal: AbortSignal): Promise<void> {
    const Values = Array.from({ length: columns }, () => `etl3-doctor-${randomUUID()}`)
    const command = new BatchDeletePartitionCommand({ ...this.#of(table), PartitionsToDelete: [{ Values }] })
    // No table, no database: the right is looked at before.
    await this.#ask(`BatchDeletePartition ${table}`, signal, [NOT_FOUND], () =>
      this.#client.send(command, { abortSignal: signal }),
    )
  }

  /** Names of the indexes that a table has or is getting. */
  async indexNames(table: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const names = new Set<string>()
    let token: string | undefined
    do {
      const command = new GetPartitionIndexesCommand({
        ...this.#of(table),
        ...(token === undefined ? {} : { NextToken: token }),
      })
      const page = await this.#ask(`GetPartitionIndexes ${table}`, signal, [], () =>
        this.#client.send(command, { abortSignal: signal }),
      )
      for (const { IndexName } of page?.PartitionIndexDescriptorList ?? []) if (IndexName) names.add(IndexName)
      token = page?.NextToken
    } while (token !== undefined)
    return names
  }

  /** Begins to build an index over the partitions that are there. */
  async createIndex(table: string, index: PartitionIndex, signal: AbortSignal): Promise<void> {
    const command = new CreatePartitionIndexCommand({ ...this.#of(table), PartitionIndex: index })
    await this.#ask(`CreatePartitionIndex ${table}`, signal, ['AlreadyExistsException'], () =>
      this.#client.send(command, { abortSignal: signal }),
    )
  }

  #of(table: string): { readonly DatabaseName: string; readonly TableName: string } {
    return { DatabaseName: this.database, TableName: table }
  }

  /** Makes a call; undefined for the errors that the caller expects. */
  async #ask<T>(
    call: string,
    signal: AbortSignal,
    expected: readonly string[],
    send: () => Promise<T>,
  ): Promise<T | undefined> {
    signal.throwIfAborted()
    try {
      return await send()
    } catch (error) {
      if (expected.includes(awsErrorName(error))) return undefined
      throw awsFailure(error, `Glue: ${call} in ${this.database}`, signal)
    }
  }
}
