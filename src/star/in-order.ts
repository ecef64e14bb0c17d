/** Staged files are written in the order of their ids and read without sorting; that they come so is checked. */
import { IntegrityError } from '../runtime/errors.js'

/**
 * The ids of a chunk have to go on where those before it ended, one by one.
 *
 * @param ids of the chunk; at least one
 * @param due the first of them
 * @throws IntegrityError ETL3-WR-01
 */
export function requireConsecutive(ids: Int32Array, due: number, what: string): void {
  for (let i = 0; i < ids.length; i++) if (ids[i] !== due + i) throw outOfOrder(what, `${ids[i]} instead of ${due + i}`)
}

/** @param found which one came, and where it should not have */
export function outOfOrder(what: string, found: string): IntegrityError {
  return new IntegrityError('ETL3-WR-01', `staged ${what} came out of their order: ${found}`, {
    hint: 'This is a defect of ETL3: please report it with the run folder.',
  })
}
