/** Limits the amount of one kind of work per turn of the event loop, so that a burst does not block it. */
export class TurnBudget {
  readonly #perTurn: number
  /** Waiting work in FIFO order, bounded by callers. */
  readonly #waiting: (() => void)[] = []
  #taken = 0

  constructor(perTurn: number) {
    this.#perTurn = perTurn
  }

  /** Returns undefined if there is room in this turn; else a promise that resolves in a later one. */
  take(): Promise<void> | undefined {
    if (this.#taken >= this.#perTurn) return new Promise(resolve => this.#waiting.push(resolve))
    if (this.#taken++ === 0) setImmediate(() => this.#begin())
    return undefined
  }

  /** Starts the next turn. */
  #begin(): void {
    const next = this.#waiting.splice(0, this.#perTurn)
    this.#taken = next.length
    if (next.length > 0) setImmediate(() => this.#begin())
    for (const resolve of next) resolve()
  }
}
