/**
 * Plans partition projection: which keys the projected table has, and whether the exact table may be
 * projected too. Projection answers wrongly and without an error where a value is missing from its lists, so it is used
 * only where every value is safe.
 */
import { plainText } from '../../runtime/plain-text.js'
import { encodePartitionValue, NULL_IN_PATH } from '../keys.js'
import { MOST_KEYS, type ObservedColumn, type ObservedPartitions } from './observed-values.js'

/** Combinations of values that Athena may enumerate. */
const MOST_COMBINATIONS = 1_000_000

/** Less than this share of the combinations in use, and looking at all of them costs more than it saves. */
const LEAST_SHARE_IN_USE = 0.5

/** A property's value in Glue has at most this many bytes ("Table" in the AWS Glue API: KeyValue strings). */
const MOST_PROPERTY_BYTES = 512_000

/**
 * Bytes of all lists of one table. Its metadata may have about 1 MB, compressed ("Supported types for partition projection"
 * in the Amazon Athena User Guide); columns and comments are in it too.
 */
const MOST_LISTED_BYTES = 900_000

/** Fewer than this share of a column's values unsafe: they are a slip of the data, not what the column holds. */
const SLIP_SHARE = 0.5

/** Characters of a value that a sentence shows. */
const MOST_SHOWN = 60

/** A key of the projected table. */
export interface ProjectedKey {
  /** Partition column that it stands for. */
  readonly column: string
  /** Its own name, `<column>_key`: with the column's own name `IS NULL` would find nothing. */
  readonly key: string
  /** As in the path: escaped, `__NULL__` for NULL. */
  readonly values: readonly string[]
}

/** The keys of the projected table. */
export interface KeyDecision {
  readonly keys: readonly ProjectedKey[]
  /** Which keys there are, and why no more; one line for people. */
  readonly reason: string
  /** What costs keys that one would expect, one line for people; undefined where nothing does. */
  readonly warning: string | undefined
}

/** Whether the exact table is projected. */
export interface ProjectionDecision {
  readonly enabled: boolean
  /** One line for people. */
  readonly reason: string
  /** `projection.*` and `storage.location.template`; complete and valid also where it is not enabled. */
  readonly properties: Readonly<Record<string, string>>
}

/**
 * Whether an enum can list a value that stands in the path as it is: no comma, no `$` or `\`, and at its ends nothing that
 * a reader may trim as blank (Trino trims U+0085 as well, which JavaScript does not) or take for a mark of the text.
 */
export function isSafeValue(value: string | null): boolean {
  if (value === null) return true
  return !/[,$\\]|^[\s\p{C}]|[\s\p{C}]$/u.test(value) && encodePartitionValue(value) === value
}

/**
 * Decides about the projected table's keys: the longest prefix of the partition columns all of whose values are safe, that
 * Athena can hold, and whose combinations are worth a look.
 */
export function decideKeys({ columns, partitions, inUse: used }: ObservedPartitions): KeyDecision {
  const keys: ProjectedKey[] = []
  let combinations = 1
  let bytes = 0
  for (const [i, { name, values }] of columns.slice(0, MOST_KEYS).entries()) {
    const unsafe = values.filter((value) => !isSafeValue(value))
    if (unsafe[0] !== undefined && unsafe[0] !== null) return endedBy(keys, { name, values }, unsafe[0], unsafe.length)
    // A table without partitions keeps its keys; an enum must list something.
    const listed = values.length === 0 ? [NULL_IN_PATH] : values.map(encodePartitionValue)
    combinations *= listed.length
    bytes += listBytes(listed)
    const problem =
      tooManyCombinations(combinations) ??
      tooLong(name, listBytes(listed), bytes) ??
      (partitions === 0 ? undefined : tooFewInUse(used[i] ?? 0, combinations))
    if (problem !== undefined)
      return { keys, reason: `${keysText(keys)}: with ${name}_key, ${problem}`, warning: undefined }
    keys.push({ column: name, key: `${name}_key`, values: listed })
  }
  return { keys, reason: keysText(keys), warning: undefined }
}

/** Many columns hold texts that no list can hold, and nobody misses their key; a slip of the data is another thing. */
function endedBy(keys: readonly ProjectedKey[], column: ObservedColumn, unsafe: string, count: number): KeyDecision {
  const { name, values } = column
  const reason = `${keysText(keys)}: ${unlistable(name, unsafe)}`
  if (keys.length > 0 && count > values.length * SLIP_SHARE) return { keys, reason, warning: undefined }
  const share = `${figure(count)} of its ${figure(values.length)} values`
  return {
    keys,
    reason,
    warning: `${reason} (${share}); queries of it cannot pass over files by ${name} or what follows`,
  }
}

function keysText(keys: readonly ProjectedKey[]): string {
  return keys.length === 0 ? 'no keys' : `keys ${keys.map(({ key }) => key).join(', ')}`
}

/** Properties of the projected table. @param root address of the table, with the final '/' */
export function projectedProperties(keys: readonly ProjectedKey[], root: string): Readonly<Record<string, string>> {
  if (keys.length === 0) return { 'projection.enabled': 'false' }
  const properties: Record<string, string> = { 'projection.enabled': 'true' }
  for (const { key, values } of keys) {
    properties[`projection.${key}.type`] = 'enum'
    properties[`projection.${key}.values`] = values.join(',')
  }
  properties['storage.location.template'] = root + keys.map(({ column, key }) => `${column}=\${${key}}/`).join('')
  return properties
}

/** How one column of the exact table would be projected. */
interface ColumnProjection {
  readonly properties: Readonly<Record<string, string>>
  /** How many values it stands for. */
  readonly values: number
  /** Of its list of values. */
  readonly bytes: number
  /** Why projection would be wrong; undefined where it is right. */
  readonly problem: string | undefined
}

/** Decides about the exact table. @param root address of the table, with the final '/' */
export function decideProjection(observed: ObservedPartitions, root: string): ProjectionDecision {
  let bytes = 0
  const columns = observed.columns.map((column) => {
    const projected = projectColumn(column, MOST_LISTED_BYTES - bytes)
    bytes += projected.bytes
    return projected
  })
  const properties: Record<string, string> = {}
  for (const column of columns) Object.assign(properties, column.properties)
  properties['storage.location.template'] = root + observed.columns.map(({ name }) => `${name}=\${${name}}/`).join('')
  const problem = columns.find((column) => column.problem !== undefined)?.problem ?? problemOfWhole(observed, columns)
  const enabled = problem === undefined
  return {
    enabled,
    reason: problem ?? `every value is safe, and ${inUse(observed.partitions, combinationsOf(columns))}`,
    properties: { 'projection.enabled': String(enabled), ...properties },
  }
}

function problemOfWhole({ partitions }: ObservedPartitions, columns: readonly ColumnProjection[]): string | undefined {
  if (partitions === 0) return 'the table has no partitions'
  const combinations = combinationsOf(columns)
  return tooManyCombinations(combinations) ?? tooFewInUse(partitions, combinations)
}

function tooManyCombinations(combinations: number): string | undefined {
  if (combinations <= MOST_COMBINATIONS) return undefined
  return `${figure(combinations)} combinations of values, and at most ${figure(MOST_COMBINATIONS)} are projected`
}

function tooFewInUse(used: number, combinations: number): string | undefined {
  return used < combinations * LEAST_SHARE_IN_USE ? `only ${inUse(used, combinations)}` : undefined
}

/** @param together bytes of this list and of those of the table that stand already */
function tooLong(name: string, bytes: number, together: number): string | undefined {
  if (bytes > MOST_PROPERTY_BYTES) {
    return `${name} has more values than a property can list: ${figure(bytes)} bytes, at most ${figure(MOST_PROPERTY_BYTES)}`
  }
  if (together <= MOST_LISTED_BYTES) return undefined
  return `the lists of values up to ${name} have ${figure(together)} bytes, and Athena reads at most about ${figure(MOST_LISTED_BYTES)} of a table`
}

function listBytes(values: readonly string[]): number {
  return values.reduce((sum, value) => sum + Buffer.byteLength(value) + 1, -1)
}

function combinationsOf(columns: readonly ColumnProjection[]): number {
  return columns.reduce((product, { values }) => product * values, 1)
}

function inUse(partitions: number, combinations: number): string {
  return `${figure(partitions)} of ${figure(combinations)} combinations of values are in use`
}

/** @param room bytes that lists of the table may still take */
function projectColumn({ name, values }: ObservedColumn, room: number): ColumnProjection {
  const listed = values.map((value) => value ?? '')
  const digits = digitsOf(listed)
  // A range takes no room, however many values it stands for.
  const bytes = digits === undefined ? listBytes(listed) : 0
  const problem = problemOf(name, values) ?? tooLong(name, bytes, bytes + MOST_LISTED_BYTES - room)
  const properties = (entries: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(entries).map(([property, value]) => [`projection.${name}.${property}`, value]))
  if (values.length === 0 || problem !== undefined) {
    // Should somebody enable it by hand: 'injected' makes queries without a value fail, where an enum would lose rows.
    return { properties: properties({ type: 'injected' }), values: values.length, bytes: 0, problem }
  }
  if (digits === undefined) {
    return { properties: properties({ type: 'enum', values: listed.join(',') }), values: values.length, bytes, problem }
  }
  const numbers = listed.map(Number)
  const [first, last] = [Math.min(...numbers), Math.max(...numbers)]
  return {
    // Without `digits` the month 08 would be looked for as 8, and its rows would not be found.
    properties: properties({ type: 'integer', range: `${first},${last}`, digits: String(digits) }),
    values: last - first + 1,
    bytes,
    problem,
  }
}

/** Years and months: numbers of one length, so that a range can stand for them; undefined for any other values. */
function digitsOf(values: readonly string[]): number | undefined {
  const length = values[0]?.length ?? 0
  const numbers = length === 2 || length === 4 ? new RegExp(`^\\d{${length}}$`) : undefined
  return numbers && values.every((value) => numbers.test(value)) ? length : undefined
}

function problemOf(name: string, values: readonly (string | null)[]): string | undefined {
  const unsafe = values.find((value) => value === null || !isSafeValue(value))
  if (unsafe === null) return `${name} is NULL in some partitions, and with projection IS NULL finds nothing`
  return unsafe === undefined ? undefined : unlistable(name, unsafe)
}

function unlistable(name: string, value: string): string {
  const shown = Array.from(value).slice(0, MOST_SHOWN)
  return `${name} holds '${plainText(shown.join(''))}', which a projection cannot list as it stands`
}

function figure(value: number): string {
  return value.toLocaleString('en-US')
}
