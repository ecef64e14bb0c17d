import { IntegrityError } from '../runtime/errors.js'
import type { Axis } from './axis.js'
import { atLeast, type Numbering } from './numbering.js'

/**
 * The dictionary of one column chunk: which values of its pool occur, in the order of their first appearance, and
 * which of them each ordinal of the axis is. Costs one step for each distinct entry of the axis, none for a row.
 */
export class LocalDictionary {
  /** Distinct values. */
  count = 0
  /** Pool index of each value. May be the axis's own array. */
  ids = new Int32Array(16)
  /** Index into the dictionary by ordinal + 1, −1 for NULL; position 0 stands for rows without an entry. */
  indexOf = new Int32Array(16)
  /** Whether index and ordinal are the same thing. Then `indexOf` is not filled. */
  identity = false
  /** Whether some entry of the axis has no value in this column. */
  hasNull = false
  #ownIds = new Int32Array(16)

  /**
   * Builds the dictionary of a column.
   *
   * @param idOf pool index of each entry, −1 for NULL; undefined where the entry is the pool index
   * @param poolCount values that the pool has
   */
  build(axis: Axis, idOf: Int32Array | undefined, poolCount: number, numbering: Numbering, column: string): void {
    const entries = axis.entries
    const distinct = axis.count
    this.hasNull = false
    if (idOf === undefined) {
      if (axis.maxEntry >= poolCount) throw beyondPool(column, axis.maxEntry, poolCount)
      this.count = distinct
      this.ids = entries
      this.identity = true
      return
    }
    this.#ownIds = atLeast(this.#ownIds, distinct)
    this.indexOf = atLeast(this.indexOf, distinct + 1)
    const ids = this.#ownIds
    const indexOf = this.indexOf
    numbering.begin(poolCount)
    const { stamps, numbers, generation } = numbering
    indexOf[0] = -1
    let count = 0
    for (let ordinal = 0; ordinal < distinct; ordinal++) {
      const id = idOf[entries[ordinal]!]
      if (id === undefined) throw beyondAxis(column, entries[ordinal]!, idOf.length)
      let index = -1
      if (id < 0) {
        this.hasNull = true
      } else {
        if (id >= poolCount) throw beyondPool(column, id, poolCount)
        if (stamps[id] === generation) {
          index = numbers[id]!
        } else {
          index = count++
          stamps[id] = generation
          numbers[id] = index
          ids[index] = id
        }
      }
      indexOf[ordinal + 1] = index
    }
    this.count = count
    this.ids = ids
    // Numbers are given in the order of the ordinals, so as many of them as ordinals means that both agree.
    this.identity = count === distinct
  }
}

function beyondPool(column: string, id: number, count: number): IntegrityError {
  return new IntegrityError('ETL3-PQ-03', `column ${column} asks for value ${id} of a pool [values=${count}]`)
}

function beyondAxis(column: string, entry: number, length: number): IntegrityError {
  return new IntegrityError(
    'ETL3-PQ-03',
    `column ${column} has no value for entry ${entry} of its axis [known=${length}]`,
  )
}
