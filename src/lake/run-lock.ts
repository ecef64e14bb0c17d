/**
 * The lock that lets one run at a time change a table, over an object store's plain verbs.
 *
 * Each holder creates `lock/<number>.json`; the highest number is the holder. A number never comes back, so a late
 * worker of an earlier holder can tell that it is late: {@link RunLock.renew} and {@link RunLock.holds} say so.
 */
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { ConflictError, IntegrityError } from '../runtime/errors.js'
import { systemCode } from './file-errors.js'
import type { ObjectKey, ObjectStore } from './object-store.js'

const FOLDER = 'lock'
const KEY = /^lock\/(\d{10})\.json$/
const KEPT_RECORDS = 10
const ATTEMPTS = 10
const DEFAULT_LEASE_MS = 60_000

/** How often a record is looked at within the lease after which it counts as abandoned. */
const LOOKS_PER_LEASE = 20

const recordSchema = z.strictObject({
  number: z.int().positive(),
  /** Who holds it: everything that works under this name shares the lock, e.g. a workflow's id. */
  owner: z.string(),
  runId: z.string(),
  /** Machine, and the space in which `pid` counts where there are several. */
  host: z.string(),
  pid: z.int(),
  acquiredAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  /** How long it lasts without a renewal. */
  leaseMs: z.int().positive().optional(),
  released: z.boolean(),
})

/** What stands in `lock/<number>.json`. Times are ISO 8601, UTC. */
export type LockRecord = Readonly<z.output<typeof recordSchema>>

/** Who wants the lock, and for which run. */
export interface LockRequest {
  readonly owner: string
  readonly runId: string
}

/** A lock that was acquired: a {@link LockRecord}, or its two fields passed on by a workflow. */
export interface LockHandle {
  readonly number: number
  readonly owner: string
}

/** Time, place and process as the lock sees them. */
export interface RunLockOptions {
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly now?: () => number
  /** Milliseconds that only grow. Default: the process's clock. */
  readonly monotonic?: () => number
  /** Waits so many milliseconds of that clock. Default: really. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told when a lock looks abandoned and has to be watched, for up to so many milliseconds. */
  readonly onWatch?: (record: LockRecord, forMs: number) => void
  /** How long a lock lasts that nobody renews, in milliseconds. Default: 60,000. */
  readonly leaseMs?: number
  /** Default: this machine. */
  readonly host?: string
  /** Default: this process. */
  readonly pid?: number
  /** Whether a process of this host runs. Default: asks the operating system. */
  readonly isAlive?: (pid: number) => boolean
}

/** The run lock of one store. */
export class RunLock {
  readonly #store: ObjectStore
  readonly #now: () => number
  readonly #monotonic: () => number
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly #onWatch: (record: LockRecord, forMs: number) => void
  readonly #leaseMs: number
  readonly #host: string
  readonly #pid: number
  readonly #isAlive: (pid: number) => boolean

  /** @param store the store of the run records: `output.metadata_uri` */
  constructor(store: ObjectStore, options: RunLockOptions = {}) {
    this.#store = store
    this.#now = options.now ?? Date.now
    this.#monotonic = options.monotonic ?? (() => performance.now())
    this.#pause = options.pause ?? ((ms, signal) => delay(ms, undefined, { signal }))
    this.#onWatch = options.onWatch ?? (() => {})
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS
    this.#host = options.host ?? thisHost()
    this.#pid = options.pid ?? process.pid
    this.#isAlive = options.isAlive ?? processRuns
  }

  /**
   * Takes the lock, under the next number, if it is free: nobody holds it, the holder released it or does not renew it,
   * or the holder's process on this host is gone. A holder that asks again keeps its number.
   *
   * Clocks of machines differ, so a record's time alone gives nobody's lock away: one that looks abandoned is watched for its
   * lease, by this process's own clock, and is free if it has not changed meanwhile.
   * @throws ConflictError `ETL3-LK-01` where somebody else holds it
   */
  async acquire(request: LockRequest, signal: AbortSignal): Promise<LockRecord> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const highest = await this.#highest(signal)
      const current = highest === 0 ? undefined : await this.#read(highest, signal)
      // Trimmed between the listing and the reading: there is a newer one.
      if (highest > 0 && !current) continue

      if (current && !current.released && current.owner === request.owner) {
        const extended = await this.#extend(current, request.runId, signal)
        if (extended) return extended
      } else if (current && !(await this.#isFree(current, signal))) {
        const now = await this.#read(current.number, signal)
        // Watched, and released or taken meanwhile: there is something else to look at.
        if (!now || now.released || (await this.#highest(signal)) !== now.number) continue
        throw this.#heldBy(now, request)
      } else {
        const taken = await this.#take(highest + 1, request, signal)
        if (taken) return taken
      }
    }
    throw new ConflictError('ETL3-LK-01', `too many runs want the lock of ${this.#store.uri} at once`, {
      hint: 'Start the run again.',
    })
  }

  /**
   * Keeps the lock for another lease.
   * @throws ConflictError `ETL3-LK-02` where it was lost: another owner has a higher number, or it was released
   */
  async renew(lock: LockHandle, signal: AbortSignal): Promise<LockRecord> {
    const record = await this.#read(lock.number, signal)
    if (record?.owner === lock.owner && !record.released) {
      const extended = await this.#extend(record, record.runId, signal)
      if (extended) return extended
    }
    throw await this.#lost(lock, signal)
  }

  /** Gives the lock back. Nothing happens where it was lost or released before. */
  async release(lock: LockHandle, signal: AbortSignal): Promise<void> {
    const record = await this.#read(lock.number, signal)
    if (record?.owner === lock.owner && !record.released) {
      await this.#write({ ...record, released: true }, signal)
    }
  }

  /** Whether the lock is still this holder's: not released, and nobody has a higher number. */
  async holds(lock: LockHandle, signal: AbortSignal): Promise<boolean> {
    const record = await this.#read(lock.number, signal)
    return record?.owner === lock.owner && !record.released && (await this.#highest(signal)) === lock.number
  }

  /** Who holds the lock, as its record tells without being watched; undefined where nobody seems to. */
  async holder(signal: AbortSignal): Promise<LockRecord | undefined> {
    const current = await this.current(signal)
    return current && !this.#isGivenUp(current) && !this.#looksAbandoned(current) ? current : undefined
  }

  /** The record with the highest number, whoever holds it and whether or not it still counts; undefined when there is none. */
  async current(signal: AbortSignal): Promise<LockRecord | undefined> {
    const highest = await this.#highest(signal)
    return highest === 0 ? undefined : await this.#read(highest, signal)
  }

  async #take(number: number, request: LockRequest, signal: AbortSignal): Promise<LockRecord | undefined> {
    const record = this.#record(number, request)
    const standing = await this.#store.putIfAbsent(lockKey(number), encode(record), signal)
    if (!Buffer.from(standing).equals(Buffer.from(encode(record)))) return undefined
    // A contender that listed long ago may create a number that was trimmed since: it is below the highest.
    const numbers = await this.#numbers(signal)
    if (Math.max(...numbers) !== number) return undefined
    await this.#store.delete(numbers.filter((old) => old <= number - KEPT_RECORDS).map(lockKey), signal)
    return record
  }

  /** Undefined where a higher number exists, before or after the record is written. */
  async #extend(record: LockRecord, runId: string, signal: AbortSignal): Promise<LockRecord | undefined> {
    if ((await this.#highest(signal)) !== record.number) return undefined
    const extended = { ...this.#record(record.number, { owner: record.owner, runId }), acquiredAt: record.acquiredAt }
    await this.#write(extended, signal)
    return (await this.#highest(signal)) === record.number ? extended : undefined
  }

  #record(number: number, request: LockRequest): LockRecord {
    const now = this.#now()
    return {
      number,
      owner: request.owner,
      runId: request.runId,
      host: this.#host,
      pid: this.#pid,
      acquiredAt: new Date(now).toISOString(),
      expiresAt: new Date(now + this.#leaseMs).toISOString(),
      leaseMs: this.#leaseMs,
      released: false,
    }
  }

  async #isFree(record: LockRecord, signal: AbortSignal): Promise<boolean> {
    return this.#isGivenUp(record) || (this.#looksAbandoned(record) && (await this.#staysAsItIs(record, signal)))
  }

  #isGivenUp(record: LockRecord): boolean {
    return record.released || (record.host === this.#host && !this.#isAlive(record.pid))
  }

  /** Its time is over, or further ahead than any renewal by a clock like this one can have put it. */
  #looksAbandoned(record: LockRecord): boolean {
    const leftMs = Date.parse(record.expiresAt) - this.#now()
    return leftMs <= 0 || leftMs > 2 * this.#leaseOf(record)
  }

  async #staysAsItIs(record: LockRecord, signal: AbortSignal): Promise<boolean> {
    const leaseMs = this.#leaseOf(record)
    this.#onWatch(record, leaseMs)
    const since = this.#monotonic()
    while (this.#monotonic() - since < leaseMs) {
      await this.#pause(leaseMs / LOOKS_PER_LEASE, signal)
      const current = await this.current(signal)
      if (!current || !isDeepStrictEqual(current, record)) return false
    }
    return true
  }

  #leaseOf({ leaseMs = this.#leaseMs }: LockRecord): number {
    return leaseMs
  }

  async #write(record: LockRecord, signal: AbortSignal): Promise<void> {
    const key = lockKey(record.number)
    await this.#store.put(key, encode(record), signal)
    await this.#store.flush(key, signal)
  }

  async #read(number: number, signal: AbortSignal): Promise<LockRecord | undefined> {
    const key = lockKey(number)
    const bytes = await this.#store.find(key, signal)
    if (!bytes) return undefined
    try {
      return recordSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    } catch (cause) {
      throw new IntegrityError('ETL3-LK-03', `the lock record ${this.#store.locate(key)} cannot be read`, {
        hint: 'If no run is working on this table, delete the file.',
        cause,
      })
    }
  }

  async #highest(signal: AbortSignal): Promise<number> {
    return Math.max(0, ...(await this.#numbers(signal)))
  }

  async #numbers(signal: AbortSignal): Promise<number[]> {
    const numbers: number[] = []
    for await (const { key } of this.#store.list(FOLDER, signal)) {
      const digits = KEY.exec(key)?.[1]
      if (digits !== undefined) numbers.push(Number(digits))
    }
    return numbers
  }

  #heldBy(record: LockRecord, request: LockRequest): ConflictError {
    return new ConflictError(
      'ETL3-LK-01',
      `${this.#store.uri} is held by another run: ${describe(record)}, and ends at ${record.expiresAt} unless it is renewed ` +
        `[wanted by ${request.owner}]`,
      { hint: 'Wait for that run, or stop it; a lock that nobody renews ends by itself.' },
    )
  }

  async #lost(lock: LockHandle, signal: AbortSignal): Promise<ConflictError> {
    const current = await this.current(signal)
    return new ConflictError(
      'ETL3-LK-02',
      `lost the lock of ${this.#store.uri} [number ${lock.number}, owner ${lock.owner}]: ` +
        (current ? `it is now with ${describe(current)}` : 'its record is gone'),
      { hint: 'Another run took over while this one was silent. Start this run again when that one is done.' },
    )
  }
}

function describe(record: LockRecord): string {
  const state = record.released ? 'released by ' : ''
  return `${state}${record.owner} (run ${record.runId}, process ${record.pid} on ${record.host}) since ${record.acquiredAt}`
}

function lockKey(number: number): ObjectKey {
  return `${FOLDER}/${String(number).padStart(10, '0')}.json`
}

function encode(record: LockRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record)}\n`)
}

/** The machine's name and, where containers share names but not processes, the space in which process ids count. */
function thisHost(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    // Not Linux: a machine has one such space.
    return hostname()
  }
}

function processRuns(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, under another user.
    return systemCode(error) !== 'ESRCH'
  }
}
