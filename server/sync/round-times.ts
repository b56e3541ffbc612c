/** When all folders of an account are looked at the next time. */

/** Of a round, by which the next one comes sooner: accounts that began together do not go on together. */
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

  /** Whether none was asked for since the last one began. */
  get isSettled(): boolean {
    return this.#nextAt > 0
  }

  get restMs(): number {
    return Math.max(0, this.#nextAt - performance.now())
  }

  /** One is due at once. */
  ask(): void {
    this.#nextAt = 0
  }

  begin(): void {
    this.#beganAt = performance.now()
    this.#schedule()
  }

  /** From now on; a round that is due by that is due at once. */
  every(roundMs: number): void {
    this.#roundMs = roundMs
    if (this.isSettled) this.#schedule()
  }

  #schedule(): void {
    this.#nextAt = this.#beganAt + this.#roundMs * (1 - spread * Math.random())
  }
}
