/** Schedules the rounds over all folders of an account. */

/** Maximum share of the interval by which a round starts early, so that accounts that began together drift apart. */
const spread = 0.1

export class RoundTimes {
  #roundMs: number
  #beganAt = 0
  #nextAt = 0

  constructor(roundMs: number) {
    this.#roundMs = roundMs
  }

  get roundMs(): number {
    return this.#roundMs
  }

  get isDue(): boolean {
    return performance.now() >= this.#nextAt
  }

  /** True when no round was requested since the last one began. */
  get isSettled(): boolean {
    return this.#nextAt > 0
  }

  get restMs(): number {
    return Math.max(0, this.#nextAt - performance.now())
  }

  /** Makes a round due immediately. */
  ask(): void {
    this.#nextAt = 0
  }

  begin(): void {
    this.#beganAt = performance.now()
    this.#schedule()
  }

  /** Changes the interval; takes effect immediately, so that a round may become due. */
  every(roundMs: number): void {
    this.#roundMs = roundMs
    if (this.isSettled) this.#schedule()
  }

  #schedule(): void {
    this.#nextAt = this.#beganAt + this.#roundMs * (1 - spread * Math.random())
  }
}
