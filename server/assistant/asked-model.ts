/** One model that is being asked: it reads until the first visible part, and can then be read on, or given up. */
import { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, Part } from './chat-model.ts'
import { isVisible, visibleParts } from './visible-parts.ts'

export class AskedModel {
  readonly model: ChatModel
  readonly askedAt: number
  /** It shows that it lives: it thinks. */
  hasSign = false
  lastSignAt: number
  /** What came of it: a visible part, or why none did. */
  outcome: { part: Part } | { error: unknown } | undefined
  readonly #parts: AsyncGenerator<Part>
  readonly #abort = new AbortController()
  readonly #now: () => number

  /** @param onChange Hears of each sign and of the outcome. */
  constructor(
    model: ChatModel,
    { isWhole = false, ...request }: ChatRequest & { isWhole?: boolean | undefined },
    now: () => number,
    onChange: () => void,
  ) {
    this.model = model
    this.#now = now
    this.askedAt = now()
    this.lastSignAt = this.askedAt
    const signal = AbortSignal.any([request.signal, this.#abort.signal])
    const parts = visibleParts(model, model.stream({ ...request, signal }))
    this.#parts = isWhole ? gathered(parts) : parts
    void this.#readOn(onChange)
  }

  get isGivenUp(): boolean {
    return this.#abort.signal.aborted
  }

  /** It then fails with `provider_timeout`. */
  giveUp(): void {
    this.#abort.abort(timedOut())
  }

  /** Nothing more is wanted of it. */
  async end(): Promise<void> {
    this.#abort.abort(new DOMException('not wanted any more', 'AbortError'))
    await this.#parts.return(undefined).catch(() => undefined)
  }

  /** What follows the first visible part. @param idleMs Between two parts; the clock does not run while the reader takes its time. */
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

/** All of them when the last is there; until then each is a sign of life. */
async function* gathered(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  const all: Part[] = []
  for await (const part of parts) {
    if (part.type !== 'reasoning_delta') all.push(part)
    yield { type: 'reasoning_delta' }
  }
  yield* all
}

/** The reason of an abort that adapters translate into `provider_timeout`. */
export function timedOut(): DOMException {
  return new DOMException('took too long', 'TimeoutError')
}
