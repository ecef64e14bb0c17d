import type { ObjectKey, ObjectStore } from '../lake/object-store.js'

/** Where the objects of a unit lie before they are published. */
export interface UnitObjects {
  readonly store: ObjectStore
  /** Key of the object of a partition, by its ordinal in the plan. */
  readonly keyOf: (ordinal: number) => ObjectKey
}
