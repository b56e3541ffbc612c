/** One request to a model: it is read up to the first visible part, and can then be read on or abandoned. */
import { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, Part } from './chat-model.ts'
import { isVisible, visibleParts } from './visible-parts.ts'

export class ModelAttempt {
  readonly model: ChatModel
  readonly startedAt: number
  /** True once the model has shown a sign of life, such as reasoning. */
  hasSign = false
  lastSignAt: number
  /** The first visible part, or the error if there was none. */
  outcome: { part: Part } | { error: unknown } | undefined
  readonly #parts: AsyncGenerator<Part>
  readonly #abort = new AbortController()
  readonly #now: () => number

  /** @param onChange Called at each sign of life and at the outcome. */
  constructor(
    model: ChatModel,
    { isWhole = false, ...request }: ChatRequest & { isWhole?: boolean | undefined },
    now: () => number,
    onChange: () => void,
  ) {
    this.model = model
    this.#now = now
    this.startedAt = now()
    this.lastSignAt = this.startedAt
    const signal = AbortSignal.any([request.signal, this.#abort.signal])
    const parts = visibleParts(model, model.stream({ ...request, signal }))
    this.#parts = isWhole ? gathered(parts) : parts
    void this.#readOn(onChange)
  }

  get isGivenUp(): boolean {
    return this.#abort.signal.aborted
  }

  /** Aborts the request, which then fails with `provider_timeout`. */
  giveUp(): void {
    this.#abort.abort(timedOut())
  }

  /** Cancels the request and releases it. */
  async end(): Promise<void> {
    this.#abort.abort(new DOMException('not wanted any more', 'AbortError'))
    await this.#parts.return(undefined).catch(() => undefined)
  }

  /**
   * Yields what follows the first visible part.
   * @param idleMs Timeout between two parts; it does not run while the reader is busy.
   */
  async *rest(idleMs: number): AsyncGenerator<Part> {
    while (true) {
      const timer = setTimeout(() => this.giveUp(), idleMs)
      const next = await this.#parts.next().finally(() => clearTimeout(timer))
      if (next.done) return
      if (next.value.type !== 'reasoning_delta') yield next.value
    }
  }

  async #readOn(onChange: () => void): Promise<void> {
    try {
      while (this.outcome === undefined) {
        const { value, done } = await this.#parts.next()
        if (done) throw new Problem('provider_failed', `${this.model.provider} broke off its answer.`)
        this.hasSign = true
        this.lastSignAt = this.#now()
        if (isVisible(value)) this.outcome = { part: value }
        onChange()
      }
    } catch (error) {
      this.outcome = { error }
      onChange()
    }
  }
}

/** Buffers all parts up to the last; until then each yields a sign of life. */
async function* gathered(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  const all: Part[] = []
  for await (const part of parts) {
    if (part.type !== 'reasoning_delta') all.push(part)
    yield { type: 'reasoning_delta' }
  }
  yield* all
}

/** Creates the abort reason that adapters translate into `provider_timeout`. */
export function timedOut(): DOMException {
  return new DOMException('took too long', 'TimeoutError')
}
