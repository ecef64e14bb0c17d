/** The members of the groups, from all links: those of some groups by name, of all of them how many. */
import { byBytes } from './bytes-order.js'
import type { ContractValue } from './contract-values.js'
import type { Coverage } from './coverage.js'
import { heapShares } from './heap-shares.js'
import { KeyFilter } from './key-filter.js'
import { KeySample } from './key-sample.js'
import type { ParquetRows, ReadLimits } from './parquet-rows.js'
import {
  type AuditedFile,
  type AuditedTable,
  columnReader,
  type ReadingDepth,
  starColumn,
  withFile,
} from './table-rows.js'

/** How many members each group has. */
export type MemberCounts = Pick<ReadonlyMap<string, number>, 'get'>

/** What the links say. */
export interface Members {
  /** Distinct valid members of one of the groups that were asked for, in order of their bytes; undefined where they are too many to be held. */
  readonly of: (group: string) => readonly string[] | undefined
  /** How many each group has; undefined where there are too many links to count within the memory. */
  readonly perGroup: MemberCounts | undefined
  /** Input file that a group's links are from. */
  readonly fileOf: (group: string) => string
}

/** Reads all links. Undefined where some of them cannot be read: then nothing is known of any group. */
export async function readMembers(
  table: AuditedTable,
  wanted: ReadonlySet<string>,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<Members | undefined> {
  const found = new Map<string, Set<string>>()
  const held = new KeySample(heapShares(depth.limits).links)
  const files = new Map<string, string>()
  const counting = new LinkCount(depth.limits)
  for (const file of table.files) {
    const done = await withFile(table.name, file, { ...depth, coverage }, async (rows) => {
      await eachLink(rows, file, new KeyFilter(wanted), depth, counting, (group, npi) => {
        if (!wanted.has(group)) return
        files.set(group, file.path)
        const members = found.get(group) ?? new Set()
        if (members.has(npi)) return
        if (held.add(group)) found.set(group, members.add(npi))
        else found.delete(group)
      })
      return true
    })
    if (done !== true) return undefined
  }
  if (counting.isFull)
    coverage.leaveOut(table.name, table.files[0]?.path ?? '', 'it has too many links to count all rows')
  return {
    of: (group) => (held.has(group) ? [...(found.get(group) ?? [])].sort(byBytes) : undefined),
    perGroup: counting.perGroup(),
    fileOf: (group) => files.get(group) ?? '',
  }
}

async function eachLink(
  rows: ParquetRows,
  file: AuditedFile,
  filter: KeyFilter,
  { breathe }: ReadingDepth,
  counting: LinkCount,
  visit: (group: string, npi: string) => void,
): Promise<void> {
  const read = {
    group: columnReader(rows, file, starColumn('xref_pg_member_npi', 'pg_uid')),
    npi: columnReader(rows, file, starColumn('xref_pg_member_npi', 'npi')),
  }
  for (const window of rows.groups.flatMap((g) => rows.windows(g))) {
    const groups = await read.group(window)
    const npis = await read.npi(window)
    if (!counting.isFull) {
      const groupOf = groups.numbers((group) => (typeof group === 'string' ? counting.groupOf(group) : NOTHING))
      const memberOf = npis.numbers((npi) => (isProvider(npi) ? counting.memberOf(npi) : NOTHING))
      counting.addAll(groupOf, memberOf)
    }
    for (const i of groups.rowsThatMayBe(filter)) {
      const group = groups.at(i)
      const npi = npis.at(i)
      if (typeof group === 'string' && isProvider(npi)) visit(group, npi)
    }
    await breathe()
  }
}

/** In place of the number of a group or a member: there is none. */
const NOTHING = -1

/** Whether a member is a provider: a payer's word for "unknown" is nothing or zeros. */
function isProvider(npi: ContractValue): npi is string {
  return typeof npi === 'string' && !/^0*$/.test(npi)
}

/** A link is the number of its group times this, plus the number of its member. */
const MEMBERS = 2 ** 34
/** Members that are no ten digits are numbered from here on. */
const TEN_DIGITS = 10 ** 10
/** So many groups keep a link within the whole numbers that a double holds. */
const MOST_GROUPS = 2 ** 19

/** Counts distinct links: each as one number, as long as there is memory for all of them. */
class LinkCount {
  readonly #groups = new Map<string, number>()
  readonly #odd = new Map<string, number>()
  readonly #mostNames: number
  readonly #mostLinks: number
  #links = new Float64Array(0)
  #count = 0
  #isAscending = true
  #isFull = false

  constructor(limits: ReadLimits) {
    this.#mostNames = Math.min(MOST_GROUPS, heapShares(limits).groups)
    // An array that grows stands beside the one that it came from.
    this.#mostLinks = Math.floor(limits.chunkBytes / (2 * Float64Array.BYTES_PER_ELEMENT))
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Nothing any more once there are too many. */
  groupOf(name: string): number {
    return this.#isFull ? NOTHING : this.#numberOf(this.#groups, name)
  }

  memberOf(npi: string): number {
    if (this.#isFull) return NOTHING
    return /^[0-9]{10}$/.test(npi) ? Number(npi) : TEN_DIGITS + this.#numberOf(this.#odd, npi)
  }

  /** Adds links, but those that lack their group or their member. */
  addAll(groups: Float64Array, members: Float64Array): void {
    if (this.#count + groups.length > this.#mostLinks) this.#giveUp()
    if (this.#isFull) return
    const links = this.#roomFor(groups.length)
    let count = this.#count
    let last = links[count - 1] ?? NOTHING
    let isAscending = this.#isAscending
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i] ?? NOTHING
      const member = members[i] ?? NOTHING
      if (group < 0 || member < 0) continue
      const link = group * MEMBERS + member
      if (link < last) isAscending = false
      last = link
      links[count++] = link
    }
    this.#count = count
    this.#isAscending = isAscending
  }

  perGroup(): MemberCounts | undefined {
    if (this.#isFull) return undefined
    const links = this.#links.subarray(0, this.#count)
    const sorted = this.#isAscending ? links : links.sort()
    const counts = new Float64Array(this.#groups.size)
    for (let i = 0; i < sorted.length; i++) {
      const link = sorted[i] ?? 0
      if (i > 0 && link === sorted[i - 1]) continue
      const group = Math.floor(link / MEMBERS)
      counts[group] = (counts[group] ?? 0) + 1
    }
    this.#links = new Float64Array(0)
    return {
      get: (name) => {
        const number = this.#groups.get(name)
        return number === undefined ? undefined : counts[number]
      },
    }
  }

  #numberOf(numbers: Map<string, number>, name: string): number {
    const known = numbers.get(name)
    if (known !== undefined) return known
    numbers.set(name, numbers.size)
    if (this.#groups.size + this.#odd.size > this.#mostNames) this.#giveUp()
    return numbers.size - 1
  }

  #roomFor(more: number): Float64Array {
    const needed = this.#count + more
    if (needed > this.#links.length) {
      const links = new Float64Array(Math.max(needed, 2 * this.#links.length))
      links.set(this.#links)
      this.#links = links
    }
    return this.#links
  }

  #giveUp(): void {
    this.#isFull = true
    this.#groups.clear()
    this.#odd.clear()
    this.#links = new Float64Array(0)
    this.#count = 0
  }
}
