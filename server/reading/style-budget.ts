/** What styles of one mail may cost. When it is used up, styles that remain are not looked at, and the text says so. */

/** Elements, attributes and values looked at; a long newsletter takes some hundred thousand. */
const maxSteps = 3_000_000

export class StyleBudget {
  #left = maxSteps
  #isOver = false

  /** Something was left out. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** @returns Whether there is anything left. */
  spend(steps: number): boolean {
    this.#left -= steps
    if (this.#left < 0) this.#isOver = true
    return this.#left >= 0
  }

  /** Something was left out for another reason. */
  leaveOut(): void {
    this.#isOver = true
  }
}
