/** How many command connections an account may have: what is configured, or fewer after its server said "too many". */

/** How long after that one more is tried. */
const growAfterMs = 10 * 60_000

export class PoolSize {
  readonly #configured: () => number
  #lowered: { size: number; growAt: number } | undefined

  constructor(configured: () => number) {
    this.#configured = configured
  }

  get isLowered(): boolean {
    return this.#lowered !== undefined
  }

  get current(): number {
    this.#grow()
    return Math.min(this.#lowered?.size ?? Number.POSITIVE_INFINITY, this.#configured())
  }

  lower(size: number): void {
    this.#lowered = { size: Math.max(1, size), growAt: performance.now() + growAfterMs }
  }

  reset(): void {
    this.#lowered = undefined
  }

  #grow(): void {
    if (!this.#lowered || performance.now() < this.#lowered.growAt) return
    const size = this.#lowered.size + 1
    this.#lowered = size >= this.#configured() ? undefined : { size, growAt: performance.now() + growAfterMs }
  }
}
