import { describe, expect, it } from 'vitest'
import { SILENT_LOGGER } from '../../../../src/runtime/logging.js'
import { MemoryGuard } from '../../../../src/runtime/worker/memory-guard.js'
import { type MemoryProbe, MemorySampler } from '../../../../src/runtime/worker/memory-sampler.js'

const MB = 1024 * 1024

/** A process of 100 MB with some garbage, which only a collection takes away, and a clock that stands still. */
class FakeProcess implements MemoryProbe {
  usedMb = 100
  garbageMb = 0
  nowMs = 0
  readonly warnings: string[] = []
  readonly sampler: MemorySampler
  readonly guard: MemoryGuard
  #highest = 0

  constructor(limitMb: number) {
    this.sampler = new MemorySampler({ probe: this })
    this.guard = new MemoryGuard({
      limitMb,
      sampler: this.sampler,
      log: { ...SILENT_LOGGER, warn: (message) => this.warnings.push(message) },
      now: () => this.nowMs,
      collect: () => {
        this.garbageMb = 0
      },
    })
  }

  residentBytes(): number {
    const bytes = (this.usedMb + this.garbageMb) * MB
    this.#highest = Math.max(this.#highest, bytes)
    return bytes
  }

  highestBytes(): number {
    this.residentBytes()
    return this.#highest
  }
}

const never = new AbortController().signal

describe('between two chunks the memory guard', () => {
  it('says nothing below 70 % of the limit', () => {
    const process = new FakeProcess(1000)
    process.usedMb = 699
    expect(process.guard.ease(never)).toBe('steady')
    expect(process.warnings).toEqual([])
  })

  it('has nothing more begun from 70 % on', () => {
    const process = new FakeProcess(1000)
    process.usedMb = 699
    expect(process.guard.isHigh).toBe(false)
    process.usedMb = 700
    expect(process.guard.isHigh).toBe(true)
  })

  it('warns and cleans up at 70 %, and goes on when that helped', () => {
    const process = new FakeProcess(1000)
    process.garbageMb = 600
    expect(process.guard.ease(never)).toBe('steady')
    expect(process.warnings).toEqual(['Memory is high, cleaning up'])
    expect(process.garbageMb).toBe(0)
  })

  it('gives up registered caches until they are taken off', () => {
    const process = new FakeProcess(1000)
    process.usedMb = 800
    const off = process.guard.onPressure(() => {
      process.usedMb = 300
    })
    expect(process.guard.ease(never)).toBe('steady')
    expect(process.usedMb).toBe(300)
    off()
    process.usedMb = 800
    process.nowMs = 10_000
    expect(process.guard.ease(never)).toBe('halve')
  })

  it('has the chunk halved when cleaning up did not help', () => {
    const process = new FakeProcess(1000)
    process.usedMb = 900
    expect(process.guard.ease(never)).toBe('halve')
    expect(process.warnings.at(-1)).toContain('Memory still high after cleanup')
  })

  it('does not spend its time with cleaning up', () => {
    const process = new FakeProcess(1000)
    process.usedMb = 900
    expect(process.guard.ease(never)).toBe('halve')
    expect(process.guard.ease(never)).toBe('steady')
    process.nowMs = 2_000
    expect(process.guard.ease(never)).toBe('halve')
  })

  it('stops the work at the limit with an error that can be resumed, unless cleaning up helps', () => {
    const process = new FakeProcess(1000)
    process.garbageMb = 950
    expect(process.guard.ease(never)).toBe('steady')
    process.usedMb = 1000
    expect(() => process.guard.ease(never)).toThrow(
      expect.objectContaining({
        code: 'ETL3-ME-01',
        exitCode: 7,
        final: false,
        message: expect.stringContaining('limit=1000 MB'),
        // A smaller chunk makes no buffer smaller (docs/guarantees.md, 2).
        hint: expect.not.stringContaining('chunk'),
      }),
    )
  })

  it('passes on a cancellation', () => {
    const process = new FakeProcess(1000)
    const reason = new Error('cancelled')
    expect(() => process.guard.ease(AbortSignal.abort(reason))).toThrow(reason)
  })
})

describe('during something long the memory guard', () => {
  const untilAborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('INTERRUPT Error: Interrupted!')))
    })

  it('aborts it at the limit, and throws its own error instead of what the aborted work throws', async () => {
    const process = new FakeProcess(1000)
    const work = process.guard.watch(never, untilAborted)
    process.usedMb = 1001
    process.sampler.sample()
    await expect(work).rejects.toMatchObject({ code: 'ETL3-ME-01' })
  })

  it('lets it go on when cleaning up helps', async () => {
    const process = new FakeProcess(1000)
    let finish = (_: string): void => {}
    const work = process.guard.watch(never, (signal) =>
      Promise.race([
        untilAborted(signal),
        new Promise<string>((resolve) => {
          finish = resolve
        }),
      ]),
    )
    process.garbageMb = 950
    process.sampler.sample()
    finish('done')
    expect(await work).toBe('done')
  })

  it('passes on a cancellation, and errors that have nothing to do with memory', async () => {
    const process = new FakeProcess(1000)
    const cancel = new AbortController()
    const cancelled = process.guard.watch(cancel.signal, untilAborted)
    cancel.abort()
    await expect(cancelled).rejects.toThrow('Interrupted!')
    await expect(process.guard.watch(never, () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
  })

  it('watches no longer than it lasts', async () => {
    const process = new FakeProcess(1000)
    let seen: AbortSignal | undefined
    await process.guard.watch(never, async (signal) => {
      seen = signal
    })
    process.usedMb = 2000
    process.sampler.sample()
    expect(seen?.aborted).toBe(false)
  })
})
