import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type MemoryProbe, MemorySampler, OWN_MEMORY } from '../../../../src/runtime/worker/memory-sampler.js'

const MB = 1024 * 1024

class FakeMemory implements MemoryProbe {
  resident = 100
  highest = 100
  residentBytes = (): number => this.resident * MB
  highestBytes = (): number => this.highest * MB
}

describe('the memory sampler', () => {
  it('keeps the peak of each phase', () => {
    const memory = new FakeMemory()
    const sampler = new MemorySampler({ probe: memory, phase: 'stage' })
    memory.resident = memory.highest = 300
    sampler.sample()
    memory.resident = 150
    sampler.enter('write')
    memory.resident = 200
    sampler.sample()
    memory.resident = 120
    sampler.sample()
    expect(sampler.peaks()).toEqual({ peakMb: 300, phases: { stage: 300, write: 200 } })
  })

  it('counts a peak between two looks for the phase in which it was', () => {
    const memory = new FakeMemory()
    const sampler = new MemorySampler({ probe: memory, phase: 'stage' })
    memory.highest = 480
    sampler.enter('write')
    memory.resident = 140
    sampler.sample()
    expect(sampler.peaks()).toEqual({ peakMb: 480, phases: { stage: 480, write: 140 } })
  })

  it('tells listeners each look, until they are taken off', () => {
    const memory = new FakeMemory()
    const sampler = new MemorySampler({ probe: memory })
    const seen: number[] = []
    const off = sampler.onSample((mb) => seen.push(mb))
    memory.resident = 111
    sampler.sample()
    off()
    sampler.sample()
    expect(seen).toEqual([111])
  })

  it('counts a process that worked for this one on top of it, and goes on with its own peaks', () => {
    const memory = new FakeMemory()
    const sampler = new MemorySampler({ probe: memory, phase: 'report' })
    memory.resident = memory.highest = 300
    sampler.besides(90 * MB)
    expect(sampler.peaks()).toEqual({ peakMb: 390, phases: { report: 390 } })
    sampler.enter('write')
    memory.highest = 350
    sampler.sample()
    expect(sampler.peaks()).toEqual({ peakMb: 390, phases: { report: 390, write: 350 } })
  })

  it('looks by itself once it is started', async () => {
    const memory = new FakeMemory()
    const sampler = new MemorySampler({ probe: memory })
    sampler.start()
    memory.resident = memory.highest = 222
    await new Promise((resolve) => setTimeout(resolve, 500))
    sampler.stop()
    expect(sampler.peaks().peakMb).toBe(222)
  })
})

describe('the memory of this process', () => {
  it('is what ps says', () => {
    const kilobytes = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(process.pid)], { encoding: 'utf8' }))
    expect(Math.abs(OWN_MEMORY.residentBytes() / 1024 - kilobytes)).toBeLessThan(30 * 1024)
  })

  it('has a high-water mark that shows what was resident for a moment in synchronous code', () => {
    const before = OWN_MEMORY.highestBytes()
    let buffer: Buffer | undefined = Buffer.alloc(200 * MB, 1)
    expect(buffer[MB]).toBe(1)
    buffer = undefined
    expect(OWN_MEMORY.highestBytes() - before).toBeGreaterThan(100 * MB)
  })
})
