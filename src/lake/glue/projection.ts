/**
 * Plans partition projection: which keys the projected table has, and whether the exact table may be
 * projected too. Projection answers wrongly and without an error where a value is missing from its lists, so it is used
 * only where every value is safe.
 */
import { plainText } from '../../runtime/plain-text.js'
import { encodePartitionValue, NULL_IN_PATH } from '../keys.js'
import type { ObservedColumn, ObservedPartitions } from './observed-values.js'

/** The projected table's keys: at most this many of the first partition columns. */
const MOST_KEYS = 4

/** Combinations of values that Athena may enumerate. */
const MOST_COMBINATIONS = 1_000_000

/** Less than this share of the combinations in use, and looking at all of them costs more than it saves. */
const LEAST_SHARE_IN_USE = 0.5

/** A property's value in Glue is at most this long. */
const LONGEST_PROPERTY = 512_000

/** A key of the projected table. */
export interface ProjectedKey {
  /** Partition column that it stands for. */
  readonly column: string
  /** Its own name, `<column>_key`: with the column's own name `IS NULL` would find nothing. */
  readonly key: string
  /** As in the path: escaped, `__NULL__` for NULL. */
  readonly values: readonly string[]
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

/** Keys of the projected table: the longest prefix of the partition columns all of whose values are safe. */
export function projectedKeys({ columns }: ObservedPartitions): readonly ProjectedKey[] {
  const keys: ProjectedKey[] = []
  let combinations = 1
  for (const { name, values } of columns.slice(0, MOST_KEYS)) {
    // A table without partitions keeps its keys; an enum must list something.
    const listed = values.length === 0 ? [NULL_IN_PATH] : values.map(encodePartitionValue)
    combinations *= listed.length
    if (!values.every(isSafeValue) || combinations > MOST_COMBINATIONS) break
    if (listed.join(',').length > LONGEST_PROPERTY) break
    keys.push({ column: name, key: `${name}_key`, values: listed })
  }
  return keys
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
  /** Why projection would be wrong; undefined where it is right. */
  readonly problem: string | undefined
}

/** Decides about the exact table. @param root address of the table, with the final '/' */
export function decideProjection(observed: ObservedPartitions, root: string): ProjectionDecision {
  const columns = observed.columns.map(projectColumn)
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
  if (combinations > MOST_COMBINATIONS) {
    return `${figure(combinations)} combinations of values, and at most ${figure(MOST_COMBINATIONS)} are projected`
  }
  if (partitions < combinations * LEAST_SHARE_IN_USE) return `only ${inUse(partitions, combinations)}`
  return undefined
}

function combinationsOf(columns: readonly ColumnProjection[]): number {
  return columns.reduce((product, { values }) => product * values, 1)
}

function inUse(partitions: number, combinations: number): string {
  return `${figure(partitions)} of ${figure(combinations)} combinations of values are in use`
}

function projectColumn({ name, values }: ObservedColumn): ColumnProjection {
  const unsafe = values.find((value) => value === null || !isSafeValue(value))
  const listed = values.map((value) => value ?? '')
  const properties = (entries: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(entries).map(([property, value]) => [`projection.${name}.${property}`, value]))
  if (values.length === 0 || unsafe !== undefined || listed.join(',').length > LONGEST_PROPERTY) {
    // Should somebody enable it by hand: 'injected' makes queries without a value fail, where an enum would lose rows.
    return {
      properties: properties({ type: 'injected' }),
      values: values.length,
      problem: problemOf(name, values, unsafe),
    }
  }
  const digits = digitsOf(listed)
  if (digits === undefined) {
    return {
      properties: properties({ type: 'enum', values: listed.join(',') }),
      values: values.length,
      problem: undefined,
    }
  }
  const numbers = listed.map(Number)
  const [first, last] = [Math.min(...numbers), Math.max(...numbers)]
  return {
    // Without `digits` the month 08 would be looked for as 8, and its rows would not be found.
    properties: properties({ type: 'integer', range: `${first},${last}`, digits: String(digits) }),
    values: last - first + 1,
    problem: undefined,
  }
}

/** Years and months: numbers of one length, so that a range can stand for them; undefined for any other values. */
function digitsOf(values: readonly string[]): number | undefined {
  const length = values[0]?.length ?? 0
  const numbers = length === 2 || length === 4 ? new RegExp(`^\\d{${length}}$`) : undefined
  return numbers && values.every((value) => numbers.test(value)) ? length : undefined
}

function problemOf(
  name: string,
  { length }: readonly unknown[],
  unsafe: string | null | undefined,
): string | undefined {
  if (unsafe === undefined) return length === 0 ? undefined : `${name} has more values than a property can list`
  if (unsafe === null) return `${name} is NULL in some partitions, and with projection IS NULL finds nothing`
  const shown = Array.from(unsafe).slice(0, 60).join('')
  return `${name} holds '${plainText(shown)}', which a projection cannot list as it stands`
}

function figure(value: number): string {
  return value.toLocaleString('en-US')
}
