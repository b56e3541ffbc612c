/** Bounds the bytes of messages held in memory for copies: APPEND takes a message whole. */

export class CopyMemory {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #held = 0

  constructor(most = 64 * 1024 * 1024) {
    this.#most = most
  }

  /**
   * Waits for room, in turn; a message larger than the bound goes alone. @returns A function that gives the bytes back.
   */
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
