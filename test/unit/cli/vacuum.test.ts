import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import type { VacuumResult } from '../../../src/history/vacuum.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

const NOTHING: VacuumResult = { formatVersion: 1, deleted: false, items: [], objects: 0, bytes: 0, tooYoung: [] }

async function vacuum(result: VacuumResult, ...argv: readonly string[]): Promise<string> {
  const io = new FakeIo()
  expect(await main(['vacuum', ...argv], io, { ...fakeServices(undefined), vacuum: async () => result })).toBe(0)
  return io.stdout.text
}

describe('vacuum', () => {
  it('says that what it found is too young', async () => {
    const tooYoung = [
      { reason: 'failed run', what: 'a', objects: 3, bytes: 1_000 },
      { reason: 'scratch', what: 'b', objects: 1, bytes: 500 },
    ] as const
    expect(await vacuum({ ...NOTHING, tooYoung }, '--older-than', '168')).toBe(
      'there is nothing to delete yet: what was found (4 objects, 1.5 KB) is younger than 168 hours; --older-than says another age\n',
    )
  })

  it('says that there is nothing where nothing was found', async () => {
    expect(await vacuum(NOTHING)).toBe('there is nothing to delete\n')
  })
})
