/** Which objects of the table are read: those that tell most for what they cost. */
import type { DueRow } from './expected-rows.js'
import type { SampledFact } from './sample.js'
import type { PlannedObject } from './written-rows.js'

/**
 * Which row is due, without its values: a row of all columns takes kilobytes, and a fact has one for each member of its
 * group. They are computed once more when they are compared.
 */
export interface DuePlace {
  readonly fact: SampledFact
  /** Undefined of a fact whose group has no members. */
  readonly npi: string | undefined
  /** How many of its columns are known. */
  readonly columns: number
  /** Rows of one kind fail alike, more or less. */
  readonly kind: string
}

/** Due rows by the key of their object. */
export type DueByObject = ReadonlyMap<string, readonly DuePlace[]>

/** How much may be read. */
export interface ObjectsToRead {
  readonly objects: number
  /** Rows of all objects that are read, and what opening them costs, in rows. */
  readonly objectRows: number
}

/** Opening an object costs about as much as reading so many of its rows. */
const ROWS_PER_OPENING = 50
/** What a row is worth of which all columns are known, against one that lacks some. */
const WORTH_OF_WHOLE_ROW = 10

/**
 * The objects that are read, as many as may be. First those with most rows of a kind that was not seen yet: of another
 * input file, of another payer, with a provider or without; then those with most rows for what they cost. A row of which
 * every column is known is worth more than one that lacks some.
 */
export function chooseObjects(
  due: DueByObject,
  planned: ReadonlyMap<string, PlannedObject>,
  { objects, objectRows }: ObjectsToRead,
): readonly PlannedObject[] {
  let fullest = 0
  for (const places of due.values()) for (const { columns } of places) fullest = Math.max(fullest, columns)
  const worthOf = (places: readonly DuePlace[]): number =>
    places.reduce((sum, { columns }) => sum + (columns === fullest ? WORTH_OF_WHOLE_ROW : 1), 0)
  const ranked = [...planned.values()]
    .map((object) => {
      const places = due.get(object.key) ?? []
      const cost = object.rows + ROWS_PER_OPENING
      return { object, cost, worth: worthOf(places) / cost, kinds: new Set(places.map(({ kind }) => kind)) }
    })
    .sort((a, b) => b.worth - a.worth || (a.object.key < b.object.key ? -1 : 1))
  const times = new Map<string, number>()
  const rounds = ranked.map((one) => {
    const seen = [...one.kinds].map((kind) => times.get(kind) ?? 0)
    for (const kind of one.kinds) times.set(kind, (times.get(kind) ?? 0) + 1)
    return { ...one, round: Math.min(...seen) }
  })
  const chosen: PlannedObject[] = []
  let left = objectRows
  // The sort is stable: in a round, the order stays that of worth.
  for (const { object, cost } of rounds.sort((a, b) => a.round - b.round)) {
    if (chosen.length >= objects) break
    if (chosen.length > 0 && cost > left) continue
    left -= cost
    chosen.push(object)
  }
  return chosen
}

/** The kind of a row: see {@link DuePlace.kind}. */
export function kindOf(row: DueRow): string {
  const value = (name: string): unknown => row.get(name)?.value
  const file = row.get('fact_uid')?.file
  // Undefined of what is not known: that is a kind of its own.
  const has = ['npi', 'address_hash', 'stat_area_name', 'medicare_state_rate'].map((name) => typeof value(name))
  return JSON.stringify([file, value('payer_slug'), value('negotiated_type'), has])
}
