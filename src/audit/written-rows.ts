/** What a run wrote, read by hyparquet: which objects the plan has for the table, and rows of them. */
import { madeOnce } from './column-values.js'
import type { ContractValue } from './contract-values.js'
import { KeyFilter } from './key-filter.js'
import { type FileColumn, ParquetRows, type ReadLimits, type RowRange } from './parquet-rows.js'
import { RowOfColumns } from './row-of-columns.js'
import { type ScalarReader, scalarReader } from './scalars.js'
import type { RawValue, StoredValues } from './stored-values.js'

/** An object of the table that the plan lists. */
export interface PlannedObject {
  /** Its key under the table. */
  readonly key: string
  readonly rows: number
  /** The unit that wrote it; undefined where it stands since an earlier run. */
  readonly unit: number | undefined
  readonly ordinal: number
}

/** A value of the table. */
type WrittenValue = ContractValue | boolean

/** Values of a written row, by column. */
export type WrittenRow = Pick<RowOfColumns<WrittenValue>, 'get'>

/** Where the objects are. */
export interface WrittenPlace {
  /** Local path of the plan. */
  readonly plan: string
  /** A local file with an object's bytes. */
  readonly fetch: (object: PlannedObject) => Promise<string>
}

/** The table as it will be published. */
export class WrittenTable {
  readonly #place: WrittenPlace
  readonly #limits: ReadLimits
  readonly #breathe: () => Promise<void>

  constructor(place: WrittenPlace, limits: ReadLimits, breathe: () => Promise<void>) {
    this.#place = place
    this.#limits = limits
    this.#breathe = breathe
  }

  /** The objects under these keys, as far as the plan has them. */
  async find(keys: ReadonlySet<string>): Promise<ReadonlyMap<string, PlannedObject>> {
    const found = new Map<string, PlannedObject>()
    const filter = new KeyFilter(keys)
    await this.#eachObject(
      (stored) => stored.rowsThatMayBe(filter),
      (object) => {
        if (keys.has(object.key)) found.set(object.key, object)
      },
    )
    return found
  }

  /** The objects whose keys have most parts in common with one, most first. */
  async similar(key: string, most: number): Promise<readonly PlannedObject[]> {
    const parts = key.split('/')
    const found: { readonly object: PlannedObject; readonly same: number }[] = []
    const sameParts = (object: PlannedObject): number =>
      object.key.split('/').filter((part, i) => part === parts[i]).length
    await this.#eachObject(
      ({ index }) => [...index.keys()],
      (object) => {
        found.push({ object, same: sameParts(object) })
        if (found.length >= 2 * most) found.sort((a, b) => b.same - a.same).splice(most)
      },
    )
    return found
      .sort((a, b) => b.same - a.same)
      .slice(0, most)
      .map(({ object }) => object)
  }

  /**
   * The rows of an object whose `fact_uid` is wanted, all columns.
   * @throws NotCovered when hyparquet cannot read them, which no file of ours should be
   */
  async rows(object: PlannedObject, wanted: ReadonlySet<string>): Promise<readonly WrittenRow[]> {
    const rows = await ParquetRows.open(await this.#place.fetch(object), this.#limits)
    try {
      const found: WrittenRow[] = []
      for (const group of rows.groups) {
        for (const window of rows.windows(group)) {
          const at = await this.#rowsOf(rows, window, wanted)
          const columns = new Map<string, readonly WrittenValue[]>()
          for (const column of at.length === 0 ? [] : rows.columns) {
            const stored = await rows.read(column, window)
            const value = valueReader(column)
            columns.set(column.name, at.map(madeOnce(stored, (entry) => value(stored.entry(entry)))))
          }
          for (const i of at.keys()) found.push(new RowOfColumns(columns, i))
          await this.#breathe()
        }
      }
      return found
    } finally {
      rows.close()
    }
  }

  async #rowsOf(rows: ParquetRows, window: RowRange, wanted: ReadonlySet<string>): Promise<number[]> {
    const column = rows.columns.find((c) => c.name === 'fact_uid')
    if (!column) return []
    const read = scalarReader(column.element)
    const stored = await rows.read(column, window)
    return stored.rowsThatMayBe(new KeyFilter(wanted)).filter((row) => {
      const uid = read(stored.at(row))
      return typeof uid === 'string' && wanted.has(uid)
    })
  }

  /** @param choose the rows of a window of the plan that are looked at, from their keys */
  async #eachObject(choose: (keys: StoredValues) => number[], visit: (object: PlannedObject) => void): Promise<void> {
    const plan = await ParquetRows.open(this.#place.plan, this.#limits)
    try {
      for (const window of plan.groups.flatMap((group) => plan.windows(group))) {
        await this.#breathe()
        const column = async (name: string): Promise<PlanColumn> => {
          const found = plan.columns.find((c) => c.name === name)
          if (!found) throw new Error(`the plan has no column '${name}'`)
          const read = scalarReader(found.element)
          const stored = await plan.read(found, window)
          return { stored, at: (row) => read(stored.at(row)) }
        }
        const key = await column('key')
        const chosen = choose(key.stored)
        if (chosen.length === 0) continue
        const rows = await column('rows')
        const unit = await column('unit')
        const ordinal = await column('ordinal')
        const action = await column('action')
        for (const row of chosen) {
          if (action.at(row) === 'remove') continue
          const own = action.at(row) === 'keep' ? undefined : Number(unit.at(row))
          visit({ key: String(key.at(row)), rows: Number(rows.at(row)), unit: own, ordinal: Number(ordinal.at(row)) })
        }
      }
    } finally {
      plan.close()
    }
  }
}

interface PlanColumn {
  readonly stored: StoredValues
  readonly at: (row: number) => ReturnType<ScalarReader>
}

function valueReader({ element, list }: FileColumn): (raw: RawValue) => WrittenValue {
  const read = scalarReader(element)
  if (!list) return (raw) => plainOf(read(raw))
  return (raw) => (Array.isArray(raw) ? raw.map((item) => itemOf(read(item))) : null)
}

function plainOf(scalar: ReturnType<ScalarReader>): WrittenValue {
  if (scalar === null || typeof scalar === 'string' || typeof scalar === 'number' || typeof scalar === 'boolean')
    return scalar
  throw new Error('a written value is of a type that the table does not have')
}

function itemOf(scalar: ReturnType<ScalarReader>): string | null {
  if (scalar === null || typeof scalar === 'string') return scalar
  throw new Error('an item of a written list is no text')
}
