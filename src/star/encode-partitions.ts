/**
 * The way of facts from the staged star to the pages of files: windows of facts are read in their order, sorted into the
 * partitions that ask for them, and handed to the encoder factorised. What is in memory is bounded by a window, whatever
 * the size of a slice or of a partition.
 */
import type { Engine } from '../engine/engine.js'
import type { BoundRows, FactorisedRows, PartitionEncoder } from '../parquet/factorised.js'
import { consecutiveGroups } from '../runtime/consecutive-groups.js'
import { groupBy } from '../runtime/group-by.js'
import { columnSources, RowGroupBuilder, SliceBuckets, type SliceFacts } from './enrich.js'
import { WINDOW_FACTS } from './fact-window.js'
import { RowChecksums } from './row-checksums.js'
import {
  groupsOfCells,
  piecesOf,
  readWindow,
  type SliceRange,
  sliceRanges,
  slicesOf,
  windowsOf,
} from './slice-reader.js'
import type { Block, StagedStar } from './staged-star.js'

/** A partition as it is asked for. */
export interface PartitionToEncode {
  readonly slice: number
  readonly cell: number
  readonly facts: number
}

/** What went into a file. */
export interface EncodedRows {
  readonly rows: number
  readonly facts: number
  /** Sum of the hashes of the rows ({@link RowChecksums}), in decimal digits. */
  readonly checksum: string
}

/** One partition on its way: its file, piece by piece. */
export interface EncodedPartition<P extends PartitionToEncode> {
  readonly partition: P
  /** Each piece is a view that is valid until the next is asked for; all are to be taken before the next partition. */
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** What went into the file, once all pieces are taken. To be asked once. */
  readonly encoded: () => EncodedRows
}

/** What partitions are encoded from and how. */
export interface EncodingOptions<P extends PartitionToEncode> {
  readonly engine: Engine
  readonly star: StagedStar
  /** Bitmap of the facts that the screen set aside. */
  readonly quarantined: Uint8Array
  readonly encoder: PartitionEncoder
  readonly rowGroupRows: number
  /** Whether `state` is a partition column, so that a cell has one state. */
  readonly byState: boolean
  /** Key-value metadata of a partition's file, in their order. */
  readonly metadataOf: (partition: P) => readonly (readonly [key: string, value: string])[]
  /** Facts that are held at once, if not as many as usual. */
  readonly windowFacts?: number
}

/** Encodes partitions of one run, block by block. */
export class PartitionEncoding<P extends PartitionToEncode> {
  readonly #options: EncodingOptions<P>
  readonly #builder: RowGroupBuilder
  readonly #checksums: RowChecksums
  readonly #windowFacts: number

  constructor(options: EncodingOptions<P>) {
    const { star, rowGroupRows, byState, windowFacts = WINDOW_FACTS } = options
    this.#options = options
    this.#builder = new RowGroupBuilder(star, { rowGroupRows, byState })
    this.#checksums = new RowChecksums(star)
    this.#windowFacts = windowFacts
  }

  /** Partitions of a block, in their order. @param partitions by slice, then cell */
  async *ofBlock(block: Block, partitions: readonly P[]): AsyncGenerator<EncodedPartition<P>> {
    this.#checksums.startBlock(block)
    const { engine, star } = this.#options
    const bySlice = groupBy(partitions, ({ slice }) => slice)
    const ranges = await sliceRanges(engine, star.paths, [...bySlice.keys()])
    for (const window of windowsOf(ranges, this.#windowFacts)) {
      const [first] = window
      if (!first) continue
      const range = { slice: first.slice, from: first.from, to: window.at(-1)?.to ?? first.to }
      if (range.to - range.from <= this.#windowFacts) yield* this.#ofSlices(block, range, bySlice)
      else yield* this.#ofLargeSlice(block, range, bySlice.get(first.slice) ?? [])
    }
  }

  /** A slice beyond one window: small partitions together, from only the facts that they need; a large one by itself. */
  async *#ofLargeSlice(block: Block, range: SliceRange, partitions: readonly P[]): AsyncGenerator<EncodedPartition<P>> {
    for (const batch of consecutiveGroups(partitions, ({ facts }) => facts, { weight: this.#windowFacts })) {
      const keep = groupsOfCells(block, cellsOf(block, batch))
      const most = batch.reduce((sum, { facts }) => sum + facts, 0)
      const [alone] = batch
      if (alone && most > this.#windowFacts) yield this.#streamed(block, range, alone, keep)
      else yield* this.#ofSlices(block, range, new Map([[range.slice, batch]]), { keep, most })
    }
  }

  /** Partitions whose facts fit into memory together. */
  async *#ofSlices(
    block: Block,
    range: SliceRange,
    bySlice: ReadonlyMap<number, readonly P[]>,
    filter: { readonly keep?: Uint8Array; readonly most?: number } = {},
  ): AsyncGenerator<EncodedPartition<P>> {
    const { engine, star, quarantined, encoder, metadataOf } = this.#options
    const { window } = await readWindow(engine, star, range, { quarantined, ...filter })
    encoder.bind(columnSources(star, block, window))
    this.#checksums.startWindow(window)
    for (const [slice, facts] of slicesOf(window)) {
      const partitions = bySlice.get(slice) ?? []
      const buckets = new SliceBuckets(facts, block, cellsOf(block, partitions))
      for (const [i, partition] of partitions.entries()) {
        const counted = new CountedRows(this.#checksums)
        counted.facts = buckets.factsOf(i)
        const rowGroups = counted.of(buckets.rowGroups(i, this.#builder))
        yield { partition, pieces: encoder.encode(rowGroups, metadataOf(partition)), encoded: () => counted.take() }
      }
    }
  }

  /** One partition of more facts than a window: its row groups come window by window. */
  #streamed(block: Block, range: SliceRange, partition: P, keep: Uint8Array): EncodedPartition<P> {
    const { engine, star, quarantined, encoder, metadataOf } = this.#options
    const counted = new CountedRows(this.#checksums)
    const facts = piecesOf(engine, star, range, { quarantined, keep }, this.#windowFacts)
    const rowGroups = this.#boundRows(block, partition, facts, counted)
    return { partition, pieces: encoder.encodeStream(rowGroups, metadataOf(partition)), encoded: () => counted.take() }
  }

  async *#boundRows(
    block: Block,
    partition: P,
    pieces: AsyncIterable<SliceFacts>,
    counted: CountedRows,
  ): AsyncGenerator<BoundRows> {
    for await (const piece of pieces) {
      const sources = columnSources(this.#options.star, block, piece.window)
      this.#checksums.startWindow(piece.window)
      const buckets = new SliceBuckets(piece, block, cellsOf(block, [partition]))
      counted.facts += buckets.factsOf(0)
      for (const rows of counted.of(buckets.rowGroups(0, this.#builder))) yield { sources, rows }
    }
  }
}

/** Counts and sums up the rows that pass; who hands them over says of how many facts. */
class CountedRows {
  facts = 0
  #rows = 0
  readonly #checksums: RowChecksums

  constructor(checksums: RowChecksums) {
    this.#checksums = checksums
  }

  *of(groups: Iterable<FactorisedRows>): Generator<FactorisedRows> {
    for (const group of groups) {
      this.#rows += group.rows
      this.#checksums.add(group)
      yield group
    }
  }

  take(): EncodedRows {
    return { rows: this.#rows, facts: this.facts, checksum: this.#checksums.take() }
  }
}

/** Cells of partitions, counted from the block's first. */
function cellsOf(block: Block, partitions: readonly PartitionToEncode[]): number[] {
  return partitions.map(({ cell }) => cell - block.firstCell)
}
