/** Compares the rows that are due with those that were written, value for value, and says what differs and where from. */
import { plainText } from '../runtime/plain-text.js'
import type { ContractValue } from './contract-values.js'
import type { DueRow, DueValue } from './expected-rows.js'
import { isSame } from './first-row.js'
import type { WrittenRow } from './written-rows.js'

/** A difference between input and table. */
export interface Difference {
  readonly uid: string
  readonly npi: string | null
  /** Undefined where a whole row is missing or too many. */
  readonly column: string | undefined
  readonly due: ContractValue | boolean | undefined
  readonly written: ContractValue | boolean | undefined
  /** Input file that the value is due from. */
  readonly file: string
  /** Key of the object. */
  readonly object: string
}

/** Longest value that an error shows. */
const SHOWN_CHARACTERS = 200

/** The columns in which a row is not the one that is due. A column of which nothing is known agrees with everything. */
export function differingColumns(due: DueRow, written: WrittenRow): string[] {
  return [...due].filter(([name, { value }]) => !isSame(value, written.get(name))).map(([name]) => name)
}

/** A difference in words, on one line, whatever the values hold. */
export function describe({ uid, npi, column, due, written, file, object }: Difference): string {
  const where = `fact_uid=${shown(uid)}, npi=${shown(npi)}`
  const files = `input file=${plainText(file)}, object=${plainText(object)}`
  if (column === undefined) {
    return written === undefined
      ? `a row is missing [${where}, ${files}]`
      : `a row is there that is not due [${where}, ${files}]`
  }
  return `${column} is ${shown(written)}, due is ${shown(due)} [${where}, ${files}]`
}

function shown(value: ContractValue | boolean | undefined): string {
  if (value === null || value === undefined) return 'NULL'
  // JSON escapes quotes and controls; plainText the marks that turn text around. A byte order mark is invisible too.
  const text = plainText(JSON.stringify(value)).replaceAll('\uFEFF', '\\ufeff')
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}

/** Rows of one fact and provider: those that are due and those that were written. */
interface Pair {
  readonly due: DueRow[]
  readonly written: WrittenRow[]
}

/** What the rows of an object differ in. Of facts that may stand in the input more than once, more rows may be there. */
export function compareObject(input: {
  readonly object: string
  readonly due: readonly DueRow[]
  readonly written: readonly WrittenRow[]
  /** Members of the facts, where all of them are known: a row of another one is not due. */
  readonly isComplete: (uid: string) => boolean
}): Difference[] {
  const pairs = new Map<string, Pair>()
  const pairOf = (uid: unknown, npi: unknown): Pair => {
    const key = JSON.stringify([uid, npi])
    const pair = pairs.get(key) ?? { due: [], written: [] }
    pairs.set(key, pair)
    return pair
  }
  for (const row of input.due) pairOf(row.get('fact_uid')?.value, row.get('npi')?.value).due.push(row)
  for (const row of input.written) pairOf(row.get('fact_uid'), row.get('npi')).written.push(row)
  return [...pairs.values()].flatMap((pair) => differencesOf(pair, input.object, input.isComplete))
}

function differencesOf({ due, written }: Pair, object: string, isComplete: (uid: string) => boolean): Difference[] {
  const left = [...written]
  const unmatched: DueRow[] = []
  for (const row of due) {
    const same = left.findIndex((other) => differingColumns(row, other).length === 0)
    if (same < 0) unmatched.push(row)
    else left.splice(same, 1)
  }
  const differences = unmatched.map((row) => {
    const [uid, npi] = [textOf(row.get('fact_uid')), textOf(row.get('npi'))]
    const other = left.shift()
    if (!other) return missing(row, object)
    const [column = ''] = differingColumns(row, other)
    const value = row.get(column)
    const file = value?.file ?? ''
    return { uid: uid ?? '', npi, column, due: value?.value, written: other.get(column), file, object }
  })
  for (const row of left) {
    const uid = String(row.get('fact_uid'))
    const npi = row.get('npi')
    if (!isComplete(uid)) continue
    differences.push({
      uid,
      npi: typeof npi === 'string' ? npi : null,
      column: undefined,
      due: undefined,
      written: uid,
      file: due[0]?.get('fact_uid')?.file ?? '',
      object,
    })
  }
  return differences
}

/** A row that is due and not there. */
export function missing(row: DueRow, object: string): Difference {
  const uid = row.get('fact_uid')
  return {
    uid: textOf(uid) ?? '',
    npi: textOf(row.get('npi')),
    column: undefined,
    due: uid?.value,
    written: undefined,
    file: uid?.file ?? '',
    object,
  }
}

function textOf(due: DueValue | undefined): string | null {
  return typeof due?.value === 'string' ? due.value : null
}
