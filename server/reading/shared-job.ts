/** A job that several wait for: it is taken back when the last of them has gone away, and not before. */
export class SharedJob<Outcome> {
  readonly #gone = new AbortController()
  readonly #outcome: Promise<Outcome>
  #askers = 0

  /** @param start Begins the job; its signal takes it back. */
  constructor(start: (signal: AbortSignal) => Promise<Outcome>) {
    this.#outcome = start(this.#gone.signal)
  }

  get isTakenBack(): boolean {
    return this.#gone.signal.aborted
  }

  /** @throws The reason of the signal as soon as it is aborted. */
  async join(signal: AbortSignal): Promise<Outcome> {
    const left = Promise.withResolvers<never>()
    const leave = () => {
      left.reject(signal.reason)
      if (--this.#askers === 0) this.#gone.abort(signal.reason)
    }
    this.#askers++
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([left.promise, this.#outcome])
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }
}
