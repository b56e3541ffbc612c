/** Bounds how many bytes of messages are in memory at a time for copies: APPEND takes a message whole. */

export class CopyMemory {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #held = 0

  constructor(most = 64 * 1024 * 1024) {
    this.#most = most
  }

  /** In turn; one that is larger than the bound goes alone. @returns How to give it back. */
  async take(bytes: number): Promise<() => void> {
    while (this.#held > 0 && this.#held + bytes > this.#most) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    this.#held += bytes
    return () => {
      this.#held -= bytes
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }
}
