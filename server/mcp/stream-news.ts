/** News for a stream whose reader may be slow: while one waits to be read, further ones are the same. */

/** Of one stream of one kind of news, which says that something changed and not what. */
export class StreamNews {
  readonly #tell: () => void
  #isWaiting = false
  /** Whether the reader has taken all that there was. */
  #isAwaited = false

  /** @param tell Puts it onto the stream. */
  constructor(tell: () => void) {
    this.#tell = tell
  }

  has(): void {
    this.#isWaiting = true
    if (this.#isAwaited) this.#say()
  }

  /** The same stream, read no sooner than somebody reads it; what waits is said first. */
  behind(source: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = source.getReader()
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      this.#isAwaited = true
      if (this.#isWaiting) this.#say()
      const { done, value } = await reader.read()
      this.#isAwaited = false
      if (done) controller.close()
      else controller.enqueue(value)
    }
    return new ReadableStream({ pull, cancel: reason => reader.cancel(reason) }, { highWaterMark: 0 })
  }

  #say(): void {
    this.#isWaiting = false
    this.#isAwaited = false
    this.#tell()
  }
}
