/** Measures the resident memory of this process and keeps the peak of each phase. */
import { readFileSync } from 'node:fs'
import { resourceUsage } from 'node:process'

const INTERVAL_MS = 100
const BYTES_PER_MB = 1024 * 1024

/** What the operating system tells of a process's memory, in bytes. */
export interface MemoryProbe {
  /** Resident now. */
  residentBytes(): number
  /** The most that ever was resident, also between two looks. */
  highestBytes(): number
}

/** The memory of this process. */
export const OWN_MEMORY: MemoryProbe = {
  residentBytes: () => process.memoryUsage.rss(),
  // Linux carries getrusage's maximum over from the parent through fork and exec, so a small worker of a large parent
  // would report the parent's peak; VmHWM belongs to this program alone.
  highestBytes: () => highWaterMark() ?? resourceUsage().maxRSS * 1024,
}

/** The peaks so far, in MB, rounded up. */
export interface MemoryPeaks {
  readonly peakMb: number
  /** By phase, in the order in which they were entered first. */
  readonly phases: Readonly<Record<string, number>>
}

/**
 * Told at each look.
 * @param residentMb resident now
 * @param peakMb the most that was resident since the last look
 */
export type SampleListener = (residentMb: number, peakMb: number) => void

/** Samples memory ten times a second, and keeps the peak per phase. */
export class MemorySampler {
  readonly #probe: MemoryProbe
  readonly #peaks = new Map<string, number>()
  readonly #listeners = new Set<SampleListener>()
  #phase: string
  #highest = 0
  /** With other processes that worked for this one. */
  #highestOfBoth = 0
  #resident = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: { readonly probe?: MemoryProbe; readonly phase?: string } = {}) {
    this.#probe = options.probe ?? OWN_MEMORY
    this.#phase = options.phase ?? 'start'
    this.sample()
  }

  /** Begins to sample by itself. The timer keeps no process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.sample(), INTERVAL_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** What follows counts for this phase. */
  enter(phase: string): void {
    this.sample()
    this.#phase = phase
    this.sample()
  }

  /** Looks now. @returns resident memory in MB */
  sample(): number {
    const resident = this.#probe.residentBytes()
    const highest = this.#probe.highestBytes()
    // A peak between two looks (synchronous code keeps the timer from running) shows in the high-water mark only.
    const peak = highest > this.#highest ? highest : resident
    this.#highest = Math.max(this.#highest, highest, resident)
    this.#peaks.set(this.#phase, Math.max(this.#peaks.get(this.#phase) ?? 0, peak, resident))
    this.#resident = resident
    const residentMb = resident / BYTES_PER_MB
    const peakMb = Math.max(peak, resident) / BYTES_PER_MB
    for (const listener of this.#listeners) listener(residentMb, peakMb)
    return residentMb
  }

  /**
   * Counts a process that did a part of this one's work: what it had resident at most, on top of what this one has now.
   * @param peakBytes of that process
   */
  besides(peakBytes: number): void {
    const resident = this.#probe.residentBytes()
    const both = resident + peakBytes
    this.#highestOfBoth = Math.max(this.#highestOfBoth, both)
    this.#peaks.set(this.#phase, Math.max(this.#peaks.get(this.#phase) ?? 0, both))
    for (const listener of this.#listeners) listener(resident / BYTES_PER_MB, both / BYTES_PER_MB)
  }

  /** Calls back with resident memory in MB at each look, until the returned function is called. */
  onSample(listener: SampleListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Resident memory at the last look, in MB, rounded up. */
  get residentMb(): number {
    return wholeMb(this.#resident)
  }

  peaks(): MemoryPeaks {
    const phases = Object.fromEntries([...this.#peaks].map(([phase, bytes]) => [phase, wholeMb(bytes)]))
    return { peakMb: wholeMb(Math.max(this.#highest, this.#highestOfBoth)), phases }
  }
}

function wholeMb(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_MB)
}

function highWaterMark(): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    return undefined
  }
}
