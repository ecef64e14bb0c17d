/**
 * Rules of Glue that moto does not keep: versions of tables, pages, limits of batches and of comments, partition
 * indexes. From AWS's API reference of UpdateTable, GetPartitions, BatchCreatePartition and CreatePartitionIndex.
 */
import { z } from 'zod'
import { awsError, type Handler, type JsonAnswer } from './json-front.js'

const DONE: JsonAnswer = { status: 200, body: {} }

const MOST_ITEMS: Readonly<Record<string, { readonly field: string; readonly most: number }>> = {
  BatchCreatePartition: { field: 'PartitionInputList', most: 100 },
  BatchUpdatePartition: { field: 'Entries', most: 100 },
  BatchDeletePartition: { field: 'PartitionsToDelete', most: 25 },
}

const LONGEST_COMMENT = 255
const MOST_INDEXES = 3

const tableBody = z.object({
  DatabaseName: z.string(),
  TableName: z.string().optional(),
  VersionId: z.string().optional(),
  TableInput: z.object({ Name: z.string() }).loose().optional(),
  PartitionIndexes: z.array(z.unknown()).optional(),
  PartitionIndex: z.unknown().optional(),
})
const indexSchema = z.object({ IndexName: z.string(), Keys: z.array(z.string()) })
const pageBody = z.object({
  MaxResults: z.number().max(1000).default(1000),
  NextToken: z.string().default('0'),
  ExcludeColumnSchema: z.boolean().default(false),
})
const partitionsAnswer = z.object({ Partitions: z.array(z.record(z.string(), z.unknown())) })
const versionAnswer = z.object({ Table: z.object({ VersionId: z.string() }) })

/** Keeps the rules over whatever answers next. */
export function glueRules(): Handler[] {
  const indexes = new Map<string, z.output<typeof indexSchema>[]>()
  let turn: Promise<unknown> = Promise.resolve()

  const limits: Handler = async (call, next) => {
    const limit = MOST_ITEMS[call.operation]
    const items = limit ? call.body[limit.field] : undefined
    if (limit && Array.isArray(items) && items.length > limit.most) {
      return awsError('ValidationException', `${limit.field}: more than ${limit.most} items`)
    }
    if (longestComment(call.body['TableInput']) > LONGEST_COMMENT) {
      return awsError('ValidationException', `Comment: more than ${LONGEST_COMMENT} characters`)
    }
    return await next(call)
  }

  const versions: Handler = async (call, next) => {
    if (call.operation !== 'UpdateTable') return await next(call)
    const { DatabaseName, VersionId, TableInput } = tableBody.parse(call.body)
    const mine = turn.then(async () => {
      const found = await next({ operation: 'GetTable', body: { DatabaseName, Name: TableInput?.Name } })
      if (found.status !== 200) return found
      if (VersionId === undefined) return awsError('InvalidInputException', 'this test wants a VersionId')
      if (versionAnswer.parse(found.body).Table.VersionId !== VersionId) {
        return awsError('ConcurrentModificationException', 'Update table failed due to concurrent modifications.')
      }
      return await next(call)
    })
    turn = mine.catch(() => undefined)
    return await mine
  }

  const pages: Handler = async (call, next) => {
    if (call.operation !== 'GetPartitions') return await next(call)
    const { MaxResults, NextToken, ExcludeColumnSchema } = pageBody.parse(call.body)
    const answer = await next(call)
    if (answer.status !== 200) return answer
    const begin = Number(NextToken)
    const { Partitions } = partitionsAnswer.parse(answer.body)
    const page = Partitions.slice(begin, begin + MaxResults)
    const more = begin + MaxResults < Partitions.length
    return {
      status: 200,
      body: {
        Partitions: ExcludeColumnSchema ? page.map(withoutColumns) : page,
        ...(more ? { NextToken: String(begin + MaxResults) } : {}),
      },
    }
  }

  const partitionIndexes: Handler = async (call, next) => {
    const { DatabaseName = '', TableName = '' } = tableBody.partial().parse(call.body)
    const list = (name: string): z.output<typeof indexSchema>[] => indexes.get(`${DatabaseName}.${name}`) ?? []
    const keep = (name: string, more: z.output<typeof indexSchema>[]): JsonAnswer => {
      const all = [...list(name), ...more]
      if (all.length > MOST_INDEXES) return awsError('ResourceNumberLimitExceededException', 'too many indexes')
      indexes.set(`${DatabaseName}.${name}`, all)
      return DONE
    }
    switch (call.operation) {
      case 'CreateTable': {
        const { TableInput, PartitionIndexes = [] } = tableBody.parse(call.body)
        const answer = await next(call)
        return answer.status === 200
          ? keep(TableInput?.Name ?? '', z.array(indexSchema).parse(PartitionIndexes))
          : answer
      }
      case 'DeleteTable':
        indexes.delete(`${DatabaseName}.${z.string().parse(call.body['Name'])}`)
        return await next(call)
      case 'CreatePartitionIndex':
        return keep(TableName, [indexSchema.parse(call.body['PartitionIndex'])])
      case 'GetPartitionIndexes':
        return { status: 200, body: { PartitionIndexDescriptorList: list(TableName).map(described) } }
      default:
        return await next(call)
    }
  }

  return [limits, versions, pages, partitionIndexes]
}

function described({ IndexName, Keys }: z.output<typeof indexSchema>): Readonly<Record<string, unknown>> {
  return { IndexName, Keys: Keys.map((Name) => ({ Name, Type: 'string' })), IndexStatus: 'ACTIVE' }
}

function withoutColumns(partition: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const storage = z.record(z.string(), z.unknown()).parse(partition['StorageDescriptor'])
  return { ...partition, StorageDescriptor: { ...storage, Columns: [] } }
}

const columnsSchema = z.array(z.object({ Comment: z.string().default('') })).default([])
const commentsSchema = z.object({
  PartitionKeys: columnsSchema,
  StorageDescriptor: z.object({ Columns: columnsSchema }).default({ Columns: [] }),
})

function longestComment(input: unknown): number {
  if (input === undefined) return 0
  const { PartitionKeys, StorageDescriptor } = commentsSchema.parse(input)
  return Math.max(0, ...[...PartitionKeys, ...StorageDescriptor.Columns].map(({ Comment }) => Comment.length))
}
