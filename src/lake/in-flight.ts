/** Bounds what is on its way at once: a number of requests, and the bytes that they hold in memory. */

/** First come, first served. */
export class InFlight {
  readonly #mostRequests: number
  readonly #mostBytes: number
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = []
  #requests = 0
  #bytes = 0

  constructor(most: { readonly requests: number; readonly bytes: number }) {
    this.#mostRequests = most.requests
    this.#mostBytes = most.bytes
  }

  /** Does something once there is room. What is larger than the whole bound goes alone. */
  async run<T>(bytes: number, act: () => Promise<T>): Promise<T> {
    await this.enter(bytes)
    try {
      return await act()
    } finally {
      this.leave(bytes)
    }
  }

  /** Waits for room and takes it. */
  async enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) return this.#take(bytes)
    await new Promise<void>((resolve) => this.#waiting.push({ bytes, enter: resolve }))
  }

  /** Gives room back. */
  leave(bytes: number): void {
    this.#requests -= 1
    this.#bytes -= bytes
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#take(next.bytes)
      next.enter()
    }
  }

  #fits(bytes: number): boolean {
    return this.#requests === 0 || (this.#requests < this.#mostRequests && this.#bytes + bytes <= this.#mostBytes)
  }

  #take(bytes: number): void {
    this.#requests += 1
    this.#bytes += bytes
  }
}
