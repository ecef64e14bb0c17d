import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type WorkBeside, withWorkBeside } from '../../../src/activities/work-beside.js'
import { type Engine, withEngine } from '../../../src/engine/engine.js'
import { IncompleteResult } from '../../../src/engine/whole-result.js'
import { ResourceError } from '../../../src/runtime/errors.js'
import { SILENT_LOGGER } from '../../../src/runtime/logging.js'
import { MemoryGuard } from '../../../src/runtime/worker/memory-guard.js'
import { MemorySampler } from '../../../src/runtime/worker/memory-sampler.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

/** What surrounds an encoder in a process that uses so much of its limit. */
function surroundings(share: number) {
  const bytes = (): number => share * 1024 * 1024 * 1024
  const sampler = new MemorySampler({ probe: { residentBytes: bytes, highestBytes: bytes } })
  return { log: SILENT_LOGGER, memory: new MemoryGuard({ limitMb: 1024, sampler, log: SILENT_LOGGER }) }
}

async function encodeBeside<T>(
  act: WorkBeside['act'],
  encode: () => Promise<T>,
  { share = 0.5, attempt = 1 } = {},
): Promise<T> {
  return await withEngine({ memoryLimitMb: 64, threads: 1, scratch: lakeFolder() }, GO_ON, (engine) =>
    withWorkBeside(surroundings(share), { signal: GO_ON, attempt }, engine, { name: 'work', act }, encode),
  )
}

async function endless(engine: Engine): Promise<void> {
  await engine.run('SELECT count(*) FROM range(100000000000) r (i) WHERE i % 7 = 3')
}

it('work beside an encoder is done while it encodes, and waited for', async () => {
  const order: string[] = []
  const encoded = await encodeBeside(
    async (engine) => {
      await engine.run('CREATE TABLE t AS SELECT count(*) AS n FROM range(20000000) r (i) WHERE i % 7 = 3')
      order.push('worked')
    },
    async () => {
      order.push('encoded')
      return 7
    },
  )
  expect(encoded).toBe(7)
  expect(order).toEqual(['encoded', 'worked'])
})

it('work beside an encoder is not begun where memory is high or an attempt has failed, and its failure fails nothing', async () => {
  let begun = 0
  const act = async (): Promise<void> => {
    begun += 1
    throw new Error('x')
  }
  expect(await encodeBeside(act, async () => 1, { share: 0.7 })).toBe(1)
  expect(await encodeBeside(act, async () => 1, { attempt: 2 })).toBe(1)
  expect(begun).toBe(0)
  expect(await encodeBeside(act, async () => 2)).toBe(2)
  expect(begun).toBe(1)
})

it('an encoder that the work leaves no memory encodes again, alone', async () => {
  let calls = 0
  let stopped = false
  const encoded = await encodeBeside(
    (engine) =>
      endless(engine).finally(() => {
        stopped = true
      }),
    async () => {
      calls += 1
      await pause(20)
      if (!stopped) throw new ResourceError('ETL3-ME-02', 'the engine ran out of its share', {})
      return 'whole'
    },
  )
  expect(encoded).toBe('whole')
  expect(calls).toBe(2)
})

const SHORTAGE = new ResourceError('ETL3-ME-02', 'the engine ran out of its share', {})
const BROKEN_OFF = new IncompleteResult('the statement failed while its rows came')
const nothing = async (): Promise<void> => {}

it.each([
  ['for another reason, beside work', endless, new Error('disk'), 1],
  ['for want of memory beside work', endless, SHORTAGE, 2],
  ['for want of memory, of which it hears after the work has ended', nothing, SHORTAGE, 2],
  ['on its way, and does not tell why', endless, BROKEN_OFF, 2],
])('an encoder that fails %s encodes as often as that can help', async (_, act, error, times) => {
  let calls = 0
  const encoding = encodeBeside(act, async () => {
    calls += 1
    await pause(50)
    throw error
  })
  await expect(encoding).rejects.toBe(error)
  expect(calls).toBe(times)
})
