/** What a run wrote, read by hyparquet: which objects the plan has for the table, and rows of them. */
import type { ContractValue } from './contract-values.js'
import { KeyFilter } from './key-filter.js'
import { type FileColumn, ParquetRows, type RawValue, type ReadLimits, type RowRange } from './parquet-rows.js'
import { type ScalarReader, scalarReader } from './scalars.js'

/** An object of the table that the plan lists. */
export interface PlannedObject {
  /** Its key under the table. */
  readonly key: string
  readonly rows: number
  /** The unit that wrote it; undefined where it stands since an earlier run. */
  readonly unit: number | undefined
  readonly ordinal: number
}

/** Values of a written row, by column. */
export type WrittenRow = ReadonlyMap<string, ContractValue | boolean>

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
    await this.#eachObject(
      (key) => keys.has(key),
      (object) => found.set(object.key, object),
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
      () => true,
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
      const read = new Map(rows.columns.map((column) => [column.name, valueReader(column)]))
      const found: WrittenRow[] = []
      for (const group of rows.groups) {
        for (const run of runsOf(group, await this.#rowsOf(rows, group, wanted))) {
          const values = await rows.readRows({ group: group.group, from: run.from, to: run.to })
          for (const at of run.at) found.push(rowOf(values[at - run.from] ?? {}, read))
          await this.#breathe()
        }
      }
      return found
    } finally {
      rows.close()
    }
  }

  async #rowsOf(rows: ParquetRows, group: RowRange, wanted: ReadonlySet<string>): Promise<number[]> {
    const column = rows.columns.find((c) => c.name === 'fact_uid')
    const at: number[] = []
    if (!column) return at
    const read = scalarReader(column.element)
    const filter = new KeyFilter(wanted)
    for (const window of rows.windows(group)) {
      for (const [i, raw] of (await rows.read(column, window)).entries()) {
        const uid = raw instanceof Uint8Array && filter.mayBe(raw) ? read(raw) : null
        if (typeof uid === 'string' && wanted.has(uid)) at.push(window.from + i)
      }
    }
    return at
  }

  async #eachObject(wanted: (key: string) => boolean, visit: (object: PlannedObject) => void): Promise<void> {
    const plan = await ParquetRows.open(this.#place.plan, this.#limits)
    try {
      for (const window of plan.groups.flatMap((group) => plan.windows(group))) {
        const column = async (name: string): Promise<(i: number) => ReturnType<ScalarReader>> => {
          const found = plan.columns.find((c) => c.name === name)
          if (!found) throw new Error(`the plan has no column '${name}'`)
          const read = scalarReader(found.element)
          const raw = await plan.read(found, window)
          return (i) => read(raw[i])
        }
        const key = await column('key')
        const rows = await column('rows')
        const unit = await column('unit')
        const ordinal = await column('ordinal')
        const action = await column('action')
        for (let i = 0; i < window.to - window.from; i++) {
          const name = String(key(i))
          if (!wanted(name) || action(i) === 'remove') continue
          const own = action(i) === 'keep' ? undefined : Number(unit(i))
          visit({ key: name, rows: Number(rows(i)), unit: own, ordinal: Number(ordinal(i)) })
        }
        await this.#breathe()
      }
    } finally {
      plan.close()
    }
  }
}

/** Rows that are read at once although they lie apart. */
const RUN_ROWS = 1024

interface Run {
  readonly from: number
  readonly to: number
  readonly at: readonly number[]
}

/** Ascending rows, in runs that are short enough to be read as a whole. */
function runsOf({ group, to }: RowRange, at: readonly number[]): Run[] {
  const runs: (RowRange & { at: number[] })[] = []
  for (const row of at) {
    const last = runs.at(-1)
    if (last && row - last.from < RUN_ROWS) last.at.push(row)
    else runs.push({ group, from: row, to, at: [row] })
  }
  return runs.map(({ from, at: rows }) => ({ from, to: (rows.at(-1) ?? from) + 1, at: rows }))
}

function valueReader({ element, list }: FileColumn): (raw: RawValue) => ContractValue | boolean {
  const read = scalarReader(element)
  if (!list) return (raw) => plainOf(read(raw))
  return (raw) => (Array.isArray(raw) ? raw.map((item) => itemOf(read(item))) : null)
}

function rowOf(
  raw: Readonly<Record<string, RawValue>>,
  read: ReadonlyMap<string, (raw: RawValue) => ContractValue | boolean>,
): WrittenRow {
  return new Map([...read].map(([name, value]) => [name, value(raw[name] ?? null)]))
}

function plainOf(scalar: ReturnType<ScalarReader>): ContractValue | boolean {
  if (scalar === null || typeof scalar === 'string' || typeof scalar === 'number' || typeof scalar === 'boolean')
    return scalar
  throw new Error('a written value is of a type that the table does not have')
}

function itemOf(scalar: ReturnType<ScalarReader>): string | null {
  if (scalar === null || typeof scalar === 'string') return scalar
  throw new Error('an item of a written list is no text')
}
