/**
 * Tries models one after the other until one gives a word. Each gets its turn within the whole deadline: one that hangs costs one short
 * deadline, and is then left out for a while, as is who says that it takes no more questions.
 */
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, Part } from './chat-model.ts'

/** How one call of a provider ended; `left` is when the reader went, or the server stopped. */
export type ProviderOutcome = 'answered' | 'failed' | 'timeout' | 'limited' | 'left'

export interface ProviderCall {
  provider: string
  outcome: ProviderOutcome
  durationMs: number
}

export interface ProviderChainOptions {
  /** In the order in which they are tried. */
  models: readonly ChatModel[]
  logger: Logger
  /** Before the first sign of life of a model, unless it is the last that is left. */
  firstMs: number
  /** Between two parts of a model. */
  idleMs: number
  /** Hears of each call of a provider. */
  observe: (call: ProviderCall) => void
}

/** A model that hung is left out for so long; then one question tries it again. */
const restMs = 60_000
/** Past them an answer is ended. */
const maxAnswerCharacters = 200_000

/** How a model has fared. */
interface Standing {
  model: ChatModel
  /** It is left out until then, on the clock of `performance`. */
  restsUntil: number
  trouble: 'hung' | 'limited' | undefined
}

export class ProviderChain {
  readonly #options: ProviderChainOptions
  readonly #standings: readonly Standing[]

  constructor(options: ProviderChainOptions) {
    this.#options = options
    this.#standings = options.models.map(model => ({ model, restsUntil: 0, trouble: undefined }))
  }

  /**
   * Goes on to the next model as long as none has given a word; from then on a failure is the answer's.
   * @param endsAt When the whole answer is due, on the clock of `performance`.
   */
  async *answer(request: ChatRequest, endsAt: number): AsyncGenerator<{ model: ChatModel; part: Part }> {
    const standings = this.#inTurn()
    const failures: Problem[] = []
    for (const [place, standing] of standings.entries()) {
      const { model } = standing
      const patience = this.#patience(model, standings.length - place - 1, endsAt)
      // While one question tries it, others leave it out.
      if (standing.trouble) standing.restsUntil = performance.now() + restMs
      const began = performance.now()
      let outcome: ProviderOutcome = 'left'
      let hasBegun = false
      try {
        for await (const part of wholeAnswer(model, patiently(model, request, patience))) {
          hasBegun ||= part.type === 'text_delta'
          // Now, since the reader may leave with the last part.
          if (hasBegun) standing.trouble = undefined
          if (part.type === 'finish') outcome = 'answered'
          yield { model, part }
        }
        return
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        if (!request.signal.aborted || error.code === 'provider_timeout') outcome = outcomeOf(error)
        this.#failed(standing, error)
        if (hasBegun || request.signal.aborted) throw error
        failures.push(error)
      } finally {
        this.#options.observe({ provider: model.provider, outcome, durationMs: performance.now() - began })
      }
    }
    throw this.#summary(failures)
  }

  /** Those that fare well in their order; behind them, as a last resort, those that hung a while ago. */
  #inTurn(): Standing[] {
    const now = performance.now()
    const isResting = ({ restsUntil, trouble }: Standing) => trouble !== undefined && restsUntil > now
    const resting = this.#standings.filter(isResting)
    return [
      ...this.#standings.filter(standing => !isResting(standing)),
      ...resting.filter(({ trouble }) => trouble === 'hung'),
    ]
  }

  /** @param after Models that are to have their turn behind it. */
  #patience(model: ChatModel, after: number, endsAt: number): Patience {
    const { firstMs, idleMs } = this.#options
    const left = endsAt - performance.now()
    if (after === 0) return { firstMs: idleMs, idleMs, wordBy: endsAt }
    const reserve = Math.min(firstMs, left / (after + 1)) * after
    const turnMs = model.answersWhole ? Math.min(idleMs, left - reserve) : Math.min(firstMs, left / (after + 1))
    return { firstMs: turnMs, idleMs, wordBy: endsAt - reserve }
  }

  #failed(standing: Standing, error: Problem): void {
    const { provider, model } = standing.model
    this.#options.logger.warn({ provider, model, code: error.code, detail: error.message }, 'a model provider failed')
    const now = performance.now()
    if (error.code === 'provider_timeout') {
      standing.trouble = 'hung'
      standing.restsUntil = now + restMs
    } else if (error.code === 'provider_limited') {
      standing.trouble = 'limited'
      standing.restsUntil = now + 1_000 * (error.extension.retryAfterSeconds ?? 0)
    } else standing.trouble = undefined
  }

  /** When none takes a question, so it is told, and until when; when each was too slow, so is the answer; else they failed. */
  #summary(failures: readonly Problem[]): Problem {
    const limited = this.#standings.filter(({ trouble }) => trouble === 'limited')
    const detail = failures.map(({ message }) => message).join(' ')
    if (limited.length === this.#standings.length) {
      const soonest = Math.min(...limited.map(({ restsUntil }) => restsUntil))
      const retryAfterSeconds = Math.max(1, Math.ceil(Math.round(soonest - performance.now()) / 1_000))
      const words = detail === '' ? 'No model provider accepts questions at the moment.' : detail
      return new Problem('provider_limited', words, { retryAfterSeconds })
    }
    const isTimeout = failures.every(({ code }) => code === 'provider_timeout')
    return new Problem(isTimeout ? 'provider_timeout' : 'provider_failed', detail)
  }
}

function outcomeOf({ code }: Problem): ProviderOutcome {
  if (code === 'provider_timeout') return 'timeout'
  return code === 'provider_limited' ? 'limited' : 'failed'
}

/** How long a model is waited for. */
interface Patience {
  /** Before its first part. */
  firstMs: number
  /** Between two parts. */
  idleMs: number
  /** Its first word has to be here then, on the clock of `performance`: others wait for their turn. */
  wordBy: number
}

/** The clock runs only while the model is waited for, not while the reader takes its time. */
async function* patiently(model: ChatModel, request: ChatRequest, patience: Patience): AsyncGenerator<Part> {
  const idle = new AbortController()
  const signal = AbortSignal.any([request.signal, idle.signal])
  const parts = model.stream({ ...request, signal })[Symbol.asyncIterator]()
  let [waitMs, hasWord] = [patience.firstMs, false]
  try {
    while (true) {
      const timer = setTimeout(() => idle.abort(timedOut()), waitMs)
      const next = await parts.next().finally(() => clearTimeout(timer))
      if (next.done) return
      hasWord ||= next.value.type === 'text_delta' && next.value.text.trim() !== ''
      yield next.value
      waitMs = hasWord ? patience.idleMs : Math.min(patience.idleMs, Math.max(0, patience.wordBy - performance.now()))
    }
  } finally {
    await parts.return?.()
  }
}

/**
 * Passes the parts on, each only when it is within the bounds, and blanks only in front of a word. Throws when they are no answer: no
 * word in it, no end, or no end in sight.
 */
async function* wholeAnswer(model: ChatModel, parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  let characters = 0
  let blank = ''
  let hasWord = false
  let end: Extract<Part, { type: 'finish' }> | undefined
  for await (const part of parts) {
    if (part.type === 'finish') end = part
    if (part.type === 'reasoning_delta') yield part
    if (part.type !== 'text_delta') continue
    characters += part.text.length
    if (characters > maxAnswerCharacters) throw failed(model, `was ended after ${maxAnswerCharacters} characters.`)
    const text = blank + part.text
    blank = hasWord || text.trim() !== '' ? '' : text
    if (blank !== '' || text === '') continue
    hasWord = true
    yield { type: 'text_delta', text }
  }
  if (end === undefined) throw failed(model, 'broke off its answer.')
  if (!hasWord) throw failed(model, 'sent an empty answer.')
  yield end
}

function failed(model: ChatModel, what: string): Problem {
  return new Problem('provider_failed', `${model.provider} ${what}`)
}

/** The reason of an abort that adapters translate into `provider_timeout`. */
export function timedOut(): DOMException {
  return new DOMException('took too long', 'TimeoutError')
}
