/**
 * Avro object container files (Avro specification, "Object Container Files"), which hold Iceberg's manifests. The encoding
 * of values is avsc's; the container is written here, because avsc's own streams put a number from a generator into it,
 * and a manifest has to be the same bytes each time.
 */
import { createHash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import avro, { type Type as AvroType } from 'avsc'
import type { AvroRecord } from './avro-schema.js'

// A CommonJS package whose names Node does not see by themselves.
const { Type, types } = avro

const MAGIC = Buffer.from('Obj\x01', 'latin1')
const SYNC_BYTES = 16

/** 64 bits as `bigint`: a snapshot id does not fit into a number. */
const LONG = types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: (value: bigint) => value.toString(),
  isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

const HEADER = Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: MAGIC.length } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: SYNC_BYTES } },
  ],
})

const BLOCK = Type.forSchema({
  type: 'record',
  name: 'Block',
  fields: [
    { name: 'count', type: 'long' },
    { name: 'data', type: 'bytes' },
    { name: 'sync', type: { type: 'fixed', name: 'BlockSync', size: SYNC_BYTES } },
  ],
})

/** What an Avro file holds. */
export interface AvroFile {
  /** Key-value metadata, those of Avro itself included. */
  readonly metadata: ReadonlyMap<string, string>
  /** One value per record, 64-bit numbers as `bigint`. */
  readonly records: readonly unknown[]
}

/**
 * Writes records in one block, uncompressed: the same bytes whatever the version of zlib. The marker between blocks is
 * the digest of what is in the file.
 *
 * @param schema goes into the file as it is, field ids included
 * @param records 64-bit numbers as `bigint`
 */
export function writeAvroFile(
  schema: AvroRecord,
  metadata: readonly (readonly [key: string, value: string])[],
  records: readonly unknown[],
): Uint8Array {
  const schemaText = JSON.stringify(schema)
  const type = typeOf(schemaText)
  const meta: Record<string, Buffer> = { 'avro.schema': Buffer.from(schemaText) }
  for (const [key, value] of metadata) meta[key] = Buffer.from(value)
  meta['avro.codec'] = Buffer.from('null')
  const data = Buffer.concat(records.map((record) => type.toBuffer(record)))
  const sync = createHash('sha256').update(JSON.stringify(metadata)).update(data).digest().subarray(0, SYNC_BYTES)
  const header = HEADER.toBuffer({ magic: MAGIC, meta, sync })
  return records.length === 0 ? header : Buffer.concat([header, BLOCK.toBuffer({ count: records.length, data, sync })])
}

/**
 * Reads an Avro file, written by whomever: uncompressed or with the codec `deflate`.
 *
 * @throws Error for anything that is no such file
 */
export function readAvroFile(file: Uint8Array): AvroFile {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('it is no Avro file')
  const header = decode(HEADER, bytes, 0)
  const metadata = new Map(Object.entries<Buffer>(header.value.meta).map(([key, value]) => [key, value.toString()]))
  const codec = metadata.get('avro.codec') ?? 'null'
  if (codec !== 'null' && codec !== 'deflate') throw new Error(`its codec is ${codec}`)
  const type = typeOf(metadata.get('avro.schema') ?? '')
  const records: unknown[] = []
  for (let position = header.offset; position < bytes.length; ) {
    const block = decode(BLOCK, bytes, position)
    position = block.offset
    const data: Buffer = codec === 'null' ? block.value.data : inflateRawSync(block.value.data)
    let read = 0
    for (let i = 0; i < block.value.count; i++) {
      const record = decode(type, data, read)
      records.push(record.value)
      read = record.offset
    }
  }
  return { metadata, records }
}

function typeOf(schema: string): AvroType {
  // Without methods, which would look like fields of the records.
  return Type.forSchema(JSON.parse(schema), { registry: { long: LONG }, omitRecordMethods: true })
}

/** avsc says by a negative offset that the bytes end too early. */
function decode(type: AvroType, bytes: Buffer, position: number): ReturnType<AvroType['decode']> {
  const decoded = type.decode(bytes, position)
  if (decoded.offset < 0) throw new Error('it ends too early')
  return decoded
}
