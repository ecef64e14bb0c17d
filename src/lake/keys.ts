/**
 * Partition paths: `payer_slug=aetna/state=TX/…/fact_rate_enriched.parquet`. The one place that escapes
 * partition values, and that reads them back.
 */
import { InputError } from '../runtime/errors.js'

/** File name of a partition's one object. */
export const PARTITION_FILE = 'fact_rate_enriched.parquet'

/** The longest key that S3 takes, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024

/** The path's word for NULL. Not Hive's own word: with partition projection Athena would answer `IS NULL` with 0 rows. */
export const NULL_IN_PATH = '__NULL__'

const SENTINELS: ReadonlySet<string> = new Set([NULL_IN_PATH, '__HIVE_DEFAULT_PARTITION__'])
const LONGEST_SENTINEL = Math.max(...Array.from(SENTINELS, (word) => word.length))

// What Hive escapes in a path (FileUtils.charToEscape): what is below the blank, DEL, and the listed ones. And lone
// surrogates, which have no UTF-8 form of their own.
const UNSAFE = /[^ -~\u0080-\u{10ffff}]|["#%'*/:=?\\{[\]^]|\p{Surrogate}/gu
// The inverse: one ASCII character, or the three bytes that UTF-8 would give a surrogate (U+D800 … U+DFFF).
const ESCAPED = /%ED%([AB][0-9A-F])%([89AB][0-9A-F])|%([0-7][0-9A-F])/g

/** Writes a partition value as part of a path. Injective: {@link decodePartitionValue} gives back every string and NULL. */
export function encodePartitionValue(value: string | null): string {
  if (value === null) return NULL_IN_PATH
  const escaped = value.replace(UNSAFE, escapeCharacter)
  return isSentinel(escaped) ? escapeCharacter(escaped.slice(0, 1)) + escaped.slice(1) : escaped
}

/**
 * Reads a partition value back from a path.
 * @throws InputError `ETL3-KE-02` where the text is not what {@link encodePartitionValue} writes
 */
export function decodePartitionValue(text: string): string | null {
  if (text === NULL_IN_PATH) return null
  const value = text.replace(ESCAPED, (_, high?: string, low?: string, ascii?: string) =>
    String.fromCharCode(
      high !== undefined && low !== undefined
        ? 0xd000 | ((Number.parseInt(high, 16) & 0x3f) << 6) | (Number.parseInt(low, 16) & 0x3f)
        : Number.parseInt(ascii ?? '', 16),
    ),
  )
  if (encodePartitionValue(value) !== text) {
    throw new InputError('ETL3-KE-02', `'${shorten(text)}' is not a partition value as ETL3 writes it`, {
      hint: 'Something else wrote under the table; move it elsewhere.',
    })
  }
  return value
}

/**
 * Key of the object of one partition, relative to the table's root.
 *
 * @param columns partition columns, in the order of the directories
 * @param values raw values in the same order; null for NULL
 * @throws InputError `ETL3-KE-01` where the key would be longer than {@link MAX_KEY_BYTES}
 */
export function partitionKey(columns: readonly string[], values: readonly (string | null)[]): string {
  if (columns.length !== values.length) {
    throw new RangeError(`${columns.length} partition columns and ${values.length} values`)
  }
  let key = ''
  for (let i = 0; i < columns.length; i++) {
    key += `${encodePartitionValue(columns[i] ?? '')}=${encodePartitionValue(values[i] ?? null)}/`
  }
  key += PARTITION_FILE
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw tooLong(key, columns, values)
  return key
}

/**
 * The raw values of a key that {@link partitionKey} made for the same columns.
 * @throws InputError `ETL3-KE-02` for any other key
 */
export function partitionValues(columns: readonly string[], key: string): (string | null)[] {
  const segments = key.split('/')
  const file = segments.pop()
  if (file === PARTITION_FILE && segments.length === columns.length) {
    const values: (string | null)[] = []
    for (const [i, column] of columns.entries()) {
      const prefix = `${encodePartitionValue(column)}=`
      const segment = segments[i] ?? ''
      if (segment.startsWith(prefix)) values.push(decodePartitionValue(segment.slice(prefix.length)))
    }
    if (values.length === columns.length) return values
  }
  throw new InputError('ETL3-KE-02', `'${shorten(key)}' is not the key of a partition by ${columns.join(', ')}`, {
    hint: 'Something else wrote under the table; move it elsewhere.',
  })
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0)
  if (code < 0x80) return percent(code)
  return percent(0xe0 | (code >> 12)) + percent(0x80 | ((code >> 6) & 0x3f)) + percent(0x80 | (code & 0x3f))
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

function isSentinel(text: string): boolean {
  return text.length <= LONGEST_SENTINEL && SENTINELS.has(text.toUpperCase())
}

function tooLong(key: string, columns: readonly string[], values: readonly (string | null)[]): InputError {
  let longest = 0
  for (let i = 0; i < values.length; i++) {
    if (Buffer.byteLength(values[i] ?? '') > Buffer.byteLength(values[longest] ?? '')) longest = i
  }
  const value = values[longest] ?? null
  return new InputError(
    'ETL3-KE-01',
    `a partition's key would have ${Buffer.byteLength(key)} bytes, and S3 takes ${MAX_KEY_BYTES.toLocaleString('en-US')} at most ` +
      `[longest: ${columns[longest]}='${shorten(encodePartitionValue(value))}', ${Buffer.byteLength(value ?? '')} bytes]`,
    { hint: 'Shorten the value in the dimension, or leave the column out of partitioning.partition_columns.' },
  )
}

/** The first characters of a text, safe to print: what is not ASCII letters or plain punctuation stays escaped. */
function shorten(text: string): string {
  const characters = Array.from(text)
  const head = characters.slice(0, 60).join('').replace(/\p{C}/gu, '�')
  return characters.length > 60 ? `${head}…` : head
}
