import { IntegrityError } from '../runtime/errors.js'
import type { ByteWriter } from './byte-writer.js'
import type { AxisStream, FactorisedRows, NumberStream } from './factorised.js'
import type { NumberTable } from './number-table.js'
import { atLeast, type Numbering } from './numbering.js'

/** Below this average run length values are bit-packed row by row, above it they are written as runs. */
const DENSE_BELOW = 4

/** A data page's bytes that several columns have in common, with their compressed form once somebody asked for it. */
export interface SharedPage {
  readonly payload: ByteWriter
  readonly compressed: ByteWriter
  /** Whether `payload` is that of the current row group. */
  filled: boolean
  /** Whether `compressed` is. */
  isCompressed: boolean
}

/**
 * One axis of one row group: its distinct entries in order of appearance, and the rows as runs of *ordinals*, which
 * are positions among them. Computed once, used by every column of the axis.
 */
export class Axis {
  /** Rows of the row group. */
  rows = 0
  /** Distinct entries. */
  count = 0
  /** Entry of each ordinal. */
  entries = new Int32Array(16)
  /** Highest entry, −1 when there is none. */
  maxEntry = -1
  /** Ordinal of each run, −1 where the entry is −1. Neighbouring runs differ. */
  runOrdinals = new Int32Array(16)
  /** Rows of each run. */
  runLengths = new Int32Array(16)
  /** Runs. */
  runCount = 0
  /** Rows whose entry is −1. */
  nullRows = 0
  /** The data page of all columns that have one value of their own for each entry. */
  readonly shared: SharedPage

  constructor(shared: SharedPage) {
    this.shared = shared
  }

  /** Whether runs are so short that rows are better packed one by one. */
  get dense(): boolean {
    return this.runCount * DENSE_BELOW > this.rows
  }

  #begin(rows: number, units: number): void {
    this.rows = rows
    this.count = 0
    this.maxEntry = -1
    this.runCount = 0
    this.nullRows = 0
    this.shared.filled = false
    this.shared.isCompressed = false
    this.entries = atLeast(this.entries, units)
    this.runOrdinals = atLeast(this.runOrdinals, units)
    this.runLengths = atLeast(this.runLengths, units)
  }

  /**
   * Takes a stream of entries.
   *
   * @param ids entries are below this; numbering keeps 8 bytes for each
   */
  load(stream: AxisStream, group: FactorisedRows, numbering: Numbering, ids: number): void {
    const units = unitsOf(stream.grain, group)
    this.#begin(group.rows, units)
    const source = stream.entries
    if (source.length < units) throw tooShort('an axis', stream.grain, source.length, units)
    numbering.begin(ids)
    const { stamps, numbers, generation } = numbering
    const { entries, runOrdinals, runLengths } = this
    const lengths = stream.grain === 'fact' ? group.runLengths : undefined
    const unitRows = stream.grain === 'file' ? group.rows : 1
    let count = 0
    let runs = 0
    let maxEntry = -1
    let nullRows = 0
    let previous = -2
    for (let unit = 0; unit < units; unit++) {
      const entry = source[unit]!
      const rows = lengths === undefined ? unitRows : lengths[unit]!
      if (entry < 0) nullRows += rows
      if (entry === previous) {
        runLengths[runs - 1]! += rows
        continue
      }
      previous = entry
      let ordinal = -1
      if (entry >= 0) {
        if (entry >= ids) throw outOfRange(entry, ids)
        if (stamps[entry] === generation) {
          ordinal = numbers[entry]!
        } else {
          ordinal = count++
          stamps[entry] = generation
          numbers[entry] = ordinal
          entries[ordinal] = entry
          if (entry > maxEntry) maxEntry = entry
        }
      }
      runOrdinals[runs] = ordinal
      runLengths[runs++] = rows
    }
    this.count = count
    this.runCount = runs
    this.maxEntry = maxEntry
    this.nullRows = nullRows
  }

  /**
   * Takes a stream of numbers: its entries are the numbers of the table, which holds the values afterwards.
   *
   * @returns false when there are more than `maxDistinct` values; then every unit with a value is an entry of its own,
   * and entries are positions in the stream
   */
  loadNumbers(stream: NumberStream, group: FactorisedRows, table: NumberTable, maxDistinct: number): boolean {
    const units = unitsOf(stream.grain, group)
    this.#begin(group.rows, units)
    const { values, valid } = stream
    if (values.length < units) throw tooShort('a number stream', stream.grain, values.length, units)
    if (valid !== undefined && valid.length < units) {
      throw tooShort("a number stream's validity", stream.grain, valid.length, units)
    }
    table.begin(Math.min(units, maxDistinct + 1))
    const { runOrdinals, runLengths } = this
    const lengths = stream.grain === 'fact' ? group.runLengths : undefined
    const unitRows = stream.grain === 'file' ? group.rows : 1
    let runs = 0
    let nullRows = 0
    let previous = -2
    for (let unit = 0; unit < units; unit++) {
      const rows = lengths === undefined ? unitRows : lengths[unit]!
      let ordinal = -1
      if (valid !== undefined && valid[unit] === 0) {
        nullRows += rows
      } else {
        ordinal = table.numberOf(values[unit]!)
        if (ordinal >= maxDistinct) {
          this.#loadUnits(stream, group, units)
          return false
        }
      }
      if (ordinal === previous) {
        runLengths[runs - 1]! += rows
      } else {
        previous = ordinal
        runOrdinals[runs] = ordinal
        runLengths[runs++] = rows
      }
    }
    for (let ordinal = 0; ordinal < table.count; ordinal++) this.entries[ordinal] = ordinal
    this.count = table.count
    this.maxEntry = table.count - 1
    this.runCount = runs
    this.nullRows = nullRows
    return true
  }

  /** Each unit that has a value is an entry and a run of its own. */
  #loadUnits(stream: NumberStream, group: FactorisedRows, units: number): void {
    const { entries, runOrdinals, runLengths } = this
    const lengths = stream.grain === 'fact' ? group.runLengths : undefined
    const unitRows = stream.grain === 'file' ? group.rows : 1
    let nullRows = 0
    let count = 0
    for (let unit = 0; unit < units; unit++) {
      const rows = lengths === undefined ? unitRows : lengths[unit]!
      runLengths[unit] = rows
      if (stream.valid !== undefined && stream.valid[unit] === 0) {
        nullRows += rows
        runOrdinals[unit] = -1
      } else {
        entries[count] = unit
        runOrdinals[unit] = count++
      }
    }
    this.count = count
    this.maxEntry = units - 1
    this.runCount = units
    this.nullRows = nullRows
  }
}

function unitsOf(grain: AxisStream['grain'], group: FactorisedRows): number {
  return grain === 'row' ? group.rows : grain === 'fact' ? group.facts : 1
}

function tooShort(what: string, grain: string, length: number, units: number): IntegrityError {
  return new IntegrityError('ETL3-PQ-02', `${what} of grain '${grain}' has ${length} items [needed=${units}]`)
}

function outOfRange(entry: number, ids: number): IntegrityError {
  return new IntegrityError('ETL3-PQ-03', `an axis has the entry ${entry}, its columns know values for 0 … ${ids - 1}`)
}
