/**
 * Enrichment: from the facts of a slice and the providers of a block to factorised partitions. No enriched row is built:
 * a partition gets, for each of its facts, the entry on each axis, and for each of its rows the provider.
 */
import type { AxisStream, ColumnSource, FactorisedRows, NumberStream } from '../parquet/factorised.js'
import type { AxisTable } from './axis-table.js'
import { type Axis, DICTIONARY } from './dictionary.js'
import type { BoundWindow } from './fact-axes.js'
import type { Block, StagedStar } from './staged-star.js'

/** Axes in the order of {@link FactorisedRows.axes}. */
export const AXES: readonly Axis[] = ['attr', 'code', 'group', 'fact', 'npi', 'benchmark']
/** Number streams in the order of {@link FactorisedRows.numbers}. */
export const NUMBERS: readonly Axis[] = ['rate', 'ratio', 'above']

/** Facts `from` (inclusive) to `to` (exclusive) of a window: one slice. */
export interface SliceFacts {
  readonly window: BoundWindow
  readonly from: number
  readonly to: number
}

/** Where each column of the file gets its values from, for one window and one block. */
export function columnSources(star: StagedStar, block: Block, window: BoundWindow): ColumnSource[] {
  const tables: Partial<Record<Axis, AxisTable>> = {
    attr: window.attrs.table,
    code: star.codes,
    group: window.groups.table,
    npi: block.npis,
    benchmark: star.benchmarks,
  }
  return DICTIONARY.map((column) => {
    const stream = NUMBERS.indexOf(column.axis)
    if (stream >= 0) return { from: 'numbers', stream }
    const axis = AXES.indexOf(column.axis)
    if (column.axis === 'fact') return { from: 'axis', axis, pool: window.uid, valueOf: undefined }
    const found = tables[column.axis]?.columns.find((c) => c.name === column.name)
    if (!found) throw new Error(`axis ${column.axis} has no column '${column.name}'`)
    return { from: 'axis', axis, pool: found.pool, valueOf: found.valueOf }
  })
}

/** Facts and member links of the wanted cells of one slice, bucketed by cell. */
export class SliceBuckets {
  readonly #facts: SliceFacts
  readonly #block: Block
  readonly #wanted: readonly number[]
  readonly #starts: Int32Array
  readonly #factOf: Int32Array
  readonly #linkOf: Int32Array

  /** @param wanted cells of the block (counted from its first), in the order in which they will be asked for */
  constructor(facts: SliceFacts, block: Block, wanted: readonly number[]) {
    this.#facts = facts
    this.#block = block
    this.#wanted = wanted
    const place = new Int32Array(block.cells).fill(-1)
    wanted.forEach((cell, i) => {
      place[cell] = i
    })
    const { group } = facts.window
    const { linkStart, linkCell } = block
    const starts = new Int32Array(wanted.length + 1)
    for (let fact = facts.from; fact < facts.to; fact++) {
      const end = linkStart[group[fact]! + 1]!
      for (let link = linkStart[group[fact]!]!; link < end; link++) {
        const at = place[linkCell[link]!]!
        if (at >= 0) starts[at + 1]! += 1
      }
    }
    for (let i = 0; i < wanted.length; i++) starts[i + 1]! += starts[i]!
    const next = starts.slice()
    this.#factOf = new Int32Array(starts[wanted.length]!)
    this.#linkOf = new Int32Array(starts[wanted.length]!)
    for (let fact = facts.from; fact < facts.to; fact++) {
      const end = linkStart[group[fact]! + 1]!
      for (let link = linkStart[group[fact]!]!; link < end; link++) {
        const at = place[linkCell[link]!]!
        if (at < 0) continue
        const slot = next[at]!
        next[at] = slot + 1
        this.#factOf[slot] = fact
        this.#linkOf[slot] = link
      }
    }
    this.#starts = starts
  }

  /** Facts of the `i`-th wanted cell. */
  factsOf(i: number): number {
    return this.#starts[i + 1]! - this.#starts[i]!
  }

  /** Rows of the `i`-th wanted cell, in row groups of at most `rowGroupRows`. Each is valid until the next is asked for. */
  *rowGroups(i: number, builder: RowGroupBuilder): Generator<FactorisedRows> {
    const { window } = this.#facts
    const { memberStart } = this.#block
    builder.startCell(this.#block, this.#wanted[i]!)
    for (let slot = this.#starts[i]!; slot < this.#starts[i + 1]!; slot++) {
      const fact = this.#factOf[slot]!
      const link = this.#linkOf[slot]!
      const end = memberStart[link + 1]!
      let member = memberStart[link]!
      while (member < end) {
        const taken = builder.add(window, fact, this.#block, member, end)
        member += taken
        if (builder.full) yield builder.take()
      }
    }
    if (builder.rows > 0) yield builder.take()
  }
}

/**
 * Rows of all cells of a block, fact by fact, in row groups of the builder's size; what is left at the end is a smaller
 * one. Each is valid until the next is asked for.
 */
export function* blockRowGroups(facts: SliceFacts, block: Block, builder: RowGroupBuilder): Generator<FactorisedRows> {
  const { window } = facts
  const { linkStart, memberStart } = block
  builder.startBlock()
  for (let fact = facts.from; fact < facts.to; fact++) {
    const group = window.group[fact]!
    const end = memberStart[linkStart[group + 1]!]!
    let member = memberStart[linkStart[group]!]!
    while (member < end) {
      member += builder.add(window, fact, block, member, end)
      if (builder.full) yield builder.take()
    }
  }
  if (builder.rows > 0) yield builder.take()
}

/** Collects facts until a row group is full. Its arrays are reused. */
export class RowGroupBuilder {
  readonly #star: StagedStar
  readonly #limit: number
  readonly #byState: boolean
  /** Whether all members of the cell have Medicare rates of one state, so that benchmarks are per fact. */
  #oneState = false
  #facts = 0
  #rows = 0
  #runLengths = new Int32Array(1024)
  #attr = new Int32Array(1024)
  #code = new Int32Array(1024)
  #group = new Int32Array(1024)
  #fact = new Int32Array(1024)
  #rate = new Float64Array(1024)
  #npi = new Int32Array(1024)
  #benchmark = new Int32Array(1024)
  #ratio = new Float64Array(1024)
  #above = new Float64Array(1024)
  #valid = new Uint8Array(1024)

  /** @param options `byState`: the state is a partition column, so that a cell has one as a rule */
  constructor(star: StagedStar, options: { readonly rowGroupRows: number; readonly byState: boolean }) {
    this.#star = star
    this.#limit = options.rowGroupRows
    this.#byState = options.byState
  }

  /** What is added next belongs to this cell of the block (counted from its first). The builder must be empty. */
  startCell(block: Block, cell: number): void {
    this.#oneState = this.#byState && block.severalStates[cell] === 0
  }

  /** What is added next belongs to any cell of a block. The builder must be empty. */
  startBlock(): void {
    this.#oneState = false
  }

  get rows(): number {
    return this.#rows
  }

  get full(): boolean {
    return this.#rows >= this.#limit
  }

  /** Adds a fact with the members `from` … `to - 1` of the block, as many as fit; returns how many it took. */
  add(window: BoundWindow, fact: number, block: Block, from: number, to: number): number {
    const taken = Math.min(to - from, this.#limit - this.#rows)
    this.#reserve(taken)
    const at = this.#facts
    const attr = window.attr[fact]!
    const code = window.code[fact]!
    const rate = window.rate[fact]!
    this.#runLengths[at] = taken
    this.#attr[at] = window.attrs.entryOf[fact]!
    this.#code[at] = code
    this.#group[at] = window.groups.entryOf[fact]!
    this.#fact[at] = fact
    this.#rate[at] = rate
    for (let i = 0; i < taken; i++) this.#npi[this.#rows + i] = block.members[from + i]!
    if (this.#oneState) {
      this.#compare(at, attr, code, rate, stateOf(block, from))
    } else {
      for (let i = 0; i < taken; i++) this.#compare(this.#rows + i, attr, code, rate, stateOf(block, from + i))
    }
    this.#facts += 1
    this.#rows += taken
    return taken
  }

  /** The row group; the builder starts anew. */
  take(): FactorisedRows {
    const grain = this.#oneState ? 'fact' : 'row'
    const perFact = (entries: Int32Array): AxisStream => ({ grain: 'fact', entries })
    const axes: AxisStream[] = [
      perFact(this.#attr),
      perFact(this.#code),
      perFact(this.#group),
      perFact(this.#fact),
      { grain: 'row', entries: this.#npi },
      { grain, entries: this.#benchmark },
    ]
    const numbers: NumberStream[] = [
      { grain: 'fact', values: this.#rate, valid: undefined },
      { grain, values: this.#ratio, valid: this.#valid },
      { grain, values: this.#above, valid: this.#valid },
    ]
    const group: FactorisedRows = { rows: this.#rows, facts: this.#facts, runLengths: this.#runLengths, axes, numbers }
    this.#rows = 0
    this.#facts = 0
    return group
  }

  /** Medicare of one fact (or row): the benchmark, the ratio and whether the rate is above. */
  #compare(at: number, attr: number, code: number, rate: number, state: number): void {
    const benchmark = this.#star.lookup.find(attr, code, state)
    this.#benchmark[at] = benchmark
    const medicare = benchmark < 0 ? Number.NaN : this.#star.stateRate[benchmark]!
    if (this.#star.isDollar[attr] === 1 && medicare > 0 && !Number.isNaN(rate)) {
      this.#valid[at] = 1
      this.#ratio[at] = rate / medicare
      this.#above[at] = rate > medicare ? 1 : 0
    } else {
      this.#valid[at] = 0
    }
  }

  #reserve(rows: number): void {
    const needed = this.#rows + rows
    if (needed > this.#npi.length) {
      const size = Math.min(Math.max(needed, 2 * this.#npi.length), Math.max(this.#limit, needed))
      this.#npi = grow(this.#npi, new Int32Array(size))
      this.#benchmark = grow(this.#benchmark, new Int32Array(size))
      this.#ratio = grow(this.#ratio, new Float64Array(size))
      this.#above = grow(this.#above, new Float64Array(size))
      this.#valid = grow(this.#valid, new Uint8Array(size))
      this.#runLengths = grow(this.#runLengths, new Int32Array(size))
      this.#attr = grow(this.#attr, new Int32Array(size))
      this.#code = grow(this.#code, new Int32Array(size))
      this.#group = grow(this.#group, new Int32Array(size))
      this.#fact = grow(this.#fact, new Int32Array(size))
      this.#rate = grow(this.#rate, new Float64Array(size))
    }
  }
}

function stateOf(block: Block, member: number): number {
  const npi = block.members[member]!
  return npi < 0 ? -1 : block.stateOf[npi]!
}

function grow<T extends Int32Array | Float64Array | Uint8Array>(old: T, fresh: T): T {
  fresh.set(old)
  return fresh
}
