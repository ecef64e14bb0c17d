/**
 * The exact inventory: which partitions there will be, with how many rows and facts, and what is in them, computed from
 * the factorised star. Cost: one step per fact and member link, not per row.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { isQuarantined } from '../star/fact-window.js'
import { requireConsecutive } from '../star/in-order.js'
import type { Block, StagedStar } from '../star/staged-star.js'
import { hexOf, Mixer } from './fingerprint.js'

/** One partition of the inventory. */
export interface InventoryEntry {
  readonly block: number
  readonly slice: number
  /** Global cell id. */
  readonly cell: number
  readonly rows: number
  readonly facts: number
  readonly fingerprint: string
}

/** Seeds that keep facts, providers and pairs apart. */
const FACT_SEED = [0x5bd1e995, 0x27d4eb2f] as const
const MEMBER_SEED = [0x165667b1, 0x9e3779b1 | 0] as const
/** What a pair takes in that lost its ratio. */
const LOST_RATIO = [0x2c1b3c6d, 0x297a2d39] as const

/**
 * Takes the inventory of one block. Entries come by slice, then cell.
 *
 * @param quarantined bitmap of the facts that the screen set aside
 * @throws IntegrityError ETL3-WR-01 when the facts do not come in their order
 */
export async function* takeInventory(
  engine: Engine,
  star: StagedStar,
  block: Block,
  quarantined: Uint8Array,
): AsyncGenerator<InventoryEntry> {
  const tally = new SliceTally(star, block)
  let slice = -1
  let row = 0
  for await (const chunk of engine.chunks(
    `SELECT slice_id, code_id, group_id, attr_id, coalesce(negotiated_rate, 'nan'), uid_hash, fact_row FROM ${readParquet([star.paths.facts])}`,
  )) {
    requireConsecutive(chunk.int32(6), row, 'facts')

    const slices = chunk.int32(0)
    const codes = chunk.int32(1)
    const groups = chunk.int32(2)
    const attrs = chunk.int32(3)
    const rates = chunk.halves(4)
    const uids = chunk.halves(5)
    for (let i = 0; i < chunk.rows; i++, row++) {
      if (isQuarantined(quarantined, row)) continue
      const next = slices[i]!
      if (next !== slice) {
        if (slice >= 0) yield* tally.drain(slice)
        slice = next
      }
      tally.add(codes[i]!, groups[i]!, attrs[i]!, rates, uids, 2 * i)
    }
  }
  if (slice >= 0) yield* tally.drain(slice)
}

/** A link whose members are in several states. */
const MIXED = -2

/** Sums of one slice, by cell of the block. */
class SliceTally {
  readonly #star: StagedStar
  readonly #block: Block
  readonly #rows: Float64Array
  readonly #facts: Float64Array
  readonly #a: Int32Array
  readonly #b: Int32Array
  readonly #touched: number[] = []
  /** Content of each link's members, two lanes. */
  readonly #linkHash: Int32Array
  /** State shared by all members of a link, or MIXED. */
  readonly #linkState: Int32Array
  readonly #mixer = new Mixer()

  constructor(star: StagedStar, block: Block) {
    this.#star = star
    this.#block = block
    this.#rows = new Float64Array(block.cells)
    this.#facts = new Float64Array(block.cells)
    this.#a = new Int32Array(block.cells)
    this.#b = new Int32Array(block.cells)
    const links = block.linkCell.length
    this.#linkHash = new Int32Array(2 * links)
    this.#linkState = new Int32Array(links)
    for (let link = 0; link < links; link++) this.#hashLink(link)
  }

  /** Adds a fact to each cell in which its group has members. `at`: index of its halves in `rates` and `uids`. */
  add(code: number, group: number, attr: number, rates: Int32Array, uids: Int32Array, at: number): void {
    const { attrs, codes, groups, lookup } = this.#star
    const { linkStart, linkCell, memberStart } = this.#block
    const from = linkStart[group]!
    const to = linkStart[group + 1]!
    if (from === to) return
    const mixer = this.#mixer
    mixer.reset(FACT_SEED[0], FACT_SEED[1])
    mixer.absorb(uids[at]!, uids[at + 1]!)
    mixer.absorb(rates[at]!, rates[at + 1]!)
    mixer.absorb(attrs.hash[2 * attr]!, attrs.hash[2 * attr + 1]!)
    mixer.absorb(codes.hash[2 * code]!, codes.hash[2 * code + 1]!)
    mixer.absorb(groups.hash[2 * group]!, groups.hash[2 * group + 1]!)
    const factA = mixer.a
    const factB = mixer.b
    for (let link = from; link < to; link++) {
      const cell = linkCell[link]!
      if (this.#facts[cell] === 0) this.#touched.push(cell)
      this.#facts[cell]! += 1
      this.#rows[cell]! += memberStart[link + 1]! - memberStart[link]!
      const state = this.#linkState[link]!
      if (state !== MIXED) {
        this.#sum(
          cell,
          factA,
          factB,
          this.#linkHash[2 * link]!,
          this.#linkHash[2 * link + 1]!,
          lookup.find(attr, code, state),
          attr,
        )
      } else {
        this.#sumByMember(cell, factA, factB, link, attr, code)
      }
    }
  }

  /** Entries of the slice, by cell; the tally is empty afterwards. */
  *drain(slice: number): Generator<InventoryEntry> {
    this.#touched.sort((x, y) => x - y)
    for (const cell of this.#touched) {
      const rows = this.#rows[cell]!
      const facts = this.#facts[cell]!
      this.#mixer.reset(this.#a[cell]!, this.#b[cell]!)
      this.#mixer.absorb(rows, facts)
      this.#mixer.finish()
      yield {
        block: this.#block.block,
        slice,
        cell: this.#block.firstCell + cell,
        rows,
        facts,
        fingerprint: hexOf(this.#mixer.a, this.#mixer.b),
      }
      this.#rows[cell] = 0
      this.#facts[cell] = 0
      this.#a[cell] = 0
      this.#b[cell] = 0
    }
    this.#touched.length = 0
  }

  #sum(
    cell: number,
    factA: number,
    factB: number,
    linkA: number,
    linkB: number,
    benchmark: number,
    attr: number,
  ): void {
    const { benchmarks, lostRatio } = this.#star
    const { hash } = benchmarks
    const mixer = this.#mixer
    mixer.reset(factA, factB)
    mixer.absorb(linkA, linkB)
    if (benchmark >= 0) mixer.absorb(hash[2 * benchmark]!, hash[2 * benchmark + 1]!)
    if (benchmark >= 0 && lostRatio[attr] === 1) mixer.absorb(LOST_RATIO[0], LOST_RATIO[1])
    mixer.finish()
    this.#a[cell] = (this.#a[cell]! + mixer.a) | 0
    this.#b[cell] = (this.#b[cell]! + mixer.b) | 0
  }

  /** Members in several states, or at home and abroad, may have different benchmarks. */
  #sumByMember(cell: number, factA: number, factB: number, link: number, attr: number, code: number): void {
    const { npis, members, memberStart, stateOf } = this.#block
    for (let m = memberStart[link]!; m < memberStart[link + 1]!; m++) {
      const npi = members[m]!
      const benchmark = this.#star.lookup.find(attr, code, stateOf[npi]!)
      this.#sum(cell, factA, factB, npis.hash[2 * npi]!, npis.hash[2 * npi + 1]!, benchmark, attr)
    }
  }

  #hashLink(link: number): void {
    const { npis, members, memberStart, stateOf } = this.#block
    const first = members[memberStart[link]!]!
    let state = first < 0 ? -1 : stateOf[first]!
    let a = 0
    let b = 0
    for (let m = memberStart[link]!; m < memberStart[link + 1]!; m++) {
      const npi = members[m]!
      if (npi >= 0 && stateOf[npi] !== state) state = MIXED
      this.#mixer.reset(MEMBER_SEED[0], MEMBER_SEED[1])
      if (npi >= 0) this.#mixer.absorb(npis.hash[2 * npi]!, npis.hash[2 * npi + 1]!)
      this.#mixer.finish()
      a = (a + this.#mixer.a) | 0
      b = (b + this.#mixer.b) | 0
    }
    this.#linkHash[2 * link] = a
    this.#linkHash[2 * link + 1] = b
    this.#linkState[link] = state
  }
}
