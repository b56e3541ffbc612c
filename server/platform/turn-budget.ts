/** So much of one kind of work in one turn of the event loop, so that a thousand pieces that come at once do not hold it until all are done. */
export class TurnBudget {
  readonly #perTurn: number
  /** In the order in which they came. Callers bound how many there are. */
  readonly #waiting: (() => void)[] = []
  #taken = 0

  constructor(perTurn: number) {
    this.#perTurn = perTurn
  }

  /** Undefined when there is room in this turn; else resolves in a later one. */
  take(): Promise<void> | undefined {
    if (this.#taken >= this.#perTurn) return new Promise(resolve => this.#waiting.push(resolve))
    if (this.#taken++ === 0) setImmediate(() => this.#begin())
    return undefined
  }

  /** The next turn. */
  #begin(): void {
    const next = this.#waiting.splice(0, this.#perTurn)
    this.#taken = next.length
    if (next.length > 0) setImmediate(() => this.#begin())
    for (const resolve of next) resolve()
  }
}
