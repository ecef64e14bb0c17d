/**
 * Sends partitions to Glue in batches and reads the error of every item: a batch that answers 200 may still have left
 * some of its partitions out.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ErrorDetail } from '@aws-sdk/client-glue'
import { backoffMs } from '../../runtime/backoff.js'
import { IntegrityError, UnavailableError } from '../../runtime/errors.js'
import { plainText } from '../../runtime/plain-text.js'

/** One item that Glue did not take. */
export interface ItemError {
  /** The partition's `Values` as they were sent. */
  readonly values: readonly string[] | undefined
  readonly detail: ErrorDetail | undefined
}

/** How items become batches. */
export interface BatchOptions<T> {
  /** What is done, for errors: "BatchCreatePartition healthcare_data_lake.fact_rate_enriched". */
  readonly call: string
  /** Items per call. */
  readonly size: number
  /** Calls at once. */
  readonly inFlight: number
  /** `Values` of an item as they are sent. */
  readonly valuesOf: (item: T) => readonly string[]
  /** Makes the call; answers the items that were not taken. */
  readonly send: (items: readonly T[]) => Promise<readonly ItemError[]>
  /** Looks before each call whether it may still be made. */
  readonly fence: () => Promise<void>
  readonly signal: AbortSignal
  /** First pause before items are sent again; doubles. Default: 200. */
  readonly pauseMs?: number
}

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 10_000
const ATTEMPTS = 8

/** Another writer was faster, or an earlier attempt got through: what Glue has now decides. */
const SETTLED_BY_READING: ReadonlySet<string> = new Set([
  'AlreadyExistsException',
  'EntityNotFoundException',
  'ConcurrentModificationException',
])

/** The same item may pass when it is sent again. */
const WORTH_A_RETRY: ReadonlySet<string> = new Set([
  'InternalServiceException',
  'InternalFailure',
  'OperationTimeoutException',
  'ThrottlingException',
  'TooManyRequestsException',
  'ServiceUnavailableException',
  'ResourceNotReadyException',
])

/**
 * Sends all items.
 * @returns how many were not taken for a reason that reading back settles
 * @throws IntegrityError `ETL3-GL-01` for an item that Glue refuses
 * @throws UnavailableError `ETL3-GL-02` for items that Glue leaves out again and again
 */
export async function sendInBatches<T>(items: AsyncIterable<T>, options: BatchOptions<T>): Promise<number> {
  let unsettled = 0
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  const start = (batch: readonly T[]): void => {
    const work: Promise<void> = sendBatch(batch, options)
      .then((count) => {
        unsettled += count
      })
      .catch((error: unknown) => {
        failures.push(error)
      })
      .finally(() => running.delete(work))
    running.add(work)
  }
  for await (const batch of batchesOf(items, options.size)) {
    while (running.size >= options.inFlight) await Promise.race(running)
    if (failures.length > 0) break
    start(batch)
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
  return unsettled
}

async function* batchesOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function sendBatch<T>(batch: readonly T[], options: BatchOptions<T>): Promise<number> {
  const { call, fence, send, signal, valuesOf } = options
  let unsettled = 0
  let pending = batch
  for (let attempt = 1; ; attempt++) {
    await fence()
    signal.throwIfAborted()
    const again = new Set<string>()
    let last: ItemError | undefined
    for (const error of await send(pending)) {
      const code = error.detail?.ErrorCode ?? ''
      if (!SETTLED_BY_READING.has(code) && !WORTH_A_RETRY.has(code)) throw refused(call, error)
      // An error without its values says only that something was left out: reading back finds what.
      if (SETTLED_BY_READING.has(code) || error.values === undefined) unsettled += 1
      else {
        again.add(JSON.stringify(error.values))
        last = error
      }
    }
    if (!last) return unsettled
    if (attempt === ATTEMPTS) throw leftOut(call, last, again.size)
    pending = pending.filter((item) => again.has(JSON.stringify(valuesOf(item))))
    // Values that are not as they were sent: the same.
    if (pending.length === 0) return unsettled + again.size
    const pauses = { firstMs: options.pauseMs ?? FIRST_PAUSE_MS, longestMs: LONGEST_PAUSE_MS }
    await delay(backoffMs(attempt, pauses), undefined, { signal })
  }
}

function refused(call: string, error: ItemError): IntegrityError {
  return new IntegrityError('ETL3-GL-01', `Glue refuses a partition [${call}, ${describe(error)}]`, {
    hint: 'See the reason; quotas of partitions can be raised in the Service Quotas console. Then run again.',
  })
}

function leftOut(call: string, error: ItemError, count: number): UnavailableError {
  return new UnavailableError(
    'ETL3-GL-02',
    `Glue has left out ${count} partitions ${ATTEMPTS} times [${call}, first: ${describe(error)}]`,
    { hint: 'Run again when Glue is less busy; what is registered is kept.' },
  )
}

function describe({ values, detail }: ItemError): string {
  const shown = Array.from((values ?? []).join('/'))
    .slice(0, 200)
    .join('')
  return plainText(`${shown}: ${detail?.ErrorCode ?? 'no code'}: ${detail?.ErrorMessage ?? ''}`)
}
