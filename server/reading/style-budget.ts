/** Bounds the cost of a mail's styles. Once it is spent, remaining styles are ignored, and the text says so. */

/** Elements, attributes and values inspected; a long newsletter takes some hundred thousand. */
const maxSteps = 3_000_000

export class StyleBudget {
  #left = maxSteps
  #isOver = false

  /** True when styles were ignored. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** @returns Whether the budget still lasts. */
  spend(steps: number): boolean {
    this.#left -= steps
    if (this.#left < 0) this.#isOver = true
    return this.#left >= 0
  }

  /** Records that styles were ignored for another reason. */
  leaveOut(): void {
    this.#isOver = true
  }
}
