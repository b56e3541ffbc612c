/**
 * Asks models in turn until one yields something visible. If one is silent, the next is asked in parallel, so that all
 * get a turn within one deadline for the first part. A failing one is skipped for a while (ProviderBreaker).
 */

import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { usualLimits } from './assistant-limits.ts'
import type { ChatModel, Part, Usage } from './chat-model.ts'
import type { ModelAttempt } from './model-attempt.ts'
import type { ModelChoice, ModelPart, ModelStep } from './model-choice.ts'
import type { ModelEntry, Standing } from './model-entry.ts'
import { restingProblem, startOrder, summaryOf } from './model-order.ts'
import type { Patience } from './model-patience.ts'
import { Turn } from './model-turn.ts'
import { type BreakerState, ProviderBreaker } from './provider-breaker.ts'

/** How a call of a provider ended; `left` if the reader left, the server stopped, or another model was quicker. */
export type ProviderOutcome = 'answered' | 'failed' | 'timeout' | 'limited' | 'left'

export interface ProviderCall {
  /** The kind of provider, which unlike its name has few values. */
  provider: string
  outcome: ProviderOutcome
  durationMs: number
}

export interface ModelChainOptions {
  logger: Logger
  /** Timeout of a model's first sign of life, in ms, as long as there is another model. */
  firstMs?: number
  /** Timeout between two parts of a model, in ms. */
  idleMs?: number
  /** Called at the end of each call of a provider. */
  observe?: (call: ProviderCall) => void
}

export class ModelChain implements ModelChoice {
  off: ReadonlyMap<string, string> = new Map()
  readonly #logger: Logger
  readonly #patience: Patience
  readonly #observe: (call: ProviderCall) => void
  #standings: readonly Standing[] = []
  #limits: AssistantLimits = usualLimits

  constructor({ logger, firstMs = 8_000, idleMs = 30_000, observe = () => undefined }: ModelChainOptions) {
    this.#logger = logger
    this.#patience = { firstMs, idleMs }
    this.#observe = observe
  }

  /** Uses these models from now on; answers in flight are not affected. @param entries In the order of trial. */
  use(entries: readonly ModelEntry[], limits: AssistantLimits, off: ModelChoice['off'] = new Map()): void {
    const before = new Map(this.#standings.map(({ identity, breaker }) => [identity, breaker]))
    this.#standings = entries.map(entry => ({
      ...entry,
      breaker: before.get(entry.identity) ?? new ProviderBreaker(now),
    }))
    this.#limits = limits
    this.off = off
  }

  models(): readonly ChatModel[] {
    return this.#standings.map(({ model }) => model)
  }

  limits(): AssistantLimits {
    return this.#limits
  }

  shareOf(model: ChatModel, accountId: string): MailShare {
    return this.#standings.find(standing => standing.model.id === model.id)?.shareOf(accountId) ?? 'none'
  }

  costOf(model: ChatModel, usage: Usage): number | null {
    const { priceInput = null, priceOutput = null } = this.#standings.find(({ model: { id } }) => id === model.id) ?? {}
    if (usage === null || priceInput === null || priceOutput === null) return null
    return ((usage.input_tokens ?? 0) * priceInput + (usage.output_tokens ?? 0) * priceOutput) / 1_000_000
  }

  standingOf(id: string): { state: BreakerState; lastFault: string | null } | undefined {
    const breaker = this.#standings.find(({ model }) => model.id === id)?.breaker
    return breaker && { state: breaker.state, lastFault: breaker.lastFault?.message ?? null }
  }

  async *answer(step: ModelStep): AsyncGenerator<ModelPart> {
    const standings = this.#standings
    if (standings.length === 0) throw noModel()
    const { queue, healthy, leftOut } = startOrder(standings, step.startWith)
    const failures: Problem[] = [...leftOut.map(({ problem }) => problem)]
    for (const { standing, problem } of leftOut) yield { type: 'attempt', model: standing.model, problem }
    const turn = new Turn(step, queue, { ...this.#patience, sharers: healthy || queue.length })
    let ended: ProviderOutcome | undefined
    try {
      while (turn.winner === undefined) {
        for (const each of await turn.next()) {
          const { asked, standing, error } = each
          turn.running.delete(each)
          const problem = this.#failed(standing, asked, error, step.signal)
          failures.push(problem)
          yield { type: 'attempt', model: standing.model, problem }
        }
        if (turn.isOver) throw summaryOf(failures, standings)
      }
      const { asked, standing, part } = turn.winner
      standing.breaker.began()
      ended = 'left'
      for (const { standing: slow, asked: slower } of turn.outrun()) {
        const problem = this.#outrun(slow, slower, standing)
        yield { type: 'attempt', model: slow.model, problem }
      }
      for (const unasked of turn.resting()) {
        yield { type: 'attempt', model: unasked.model, problem: restingProblem(unasked) }
      }
      try {
        for await (const each of following(part, asked, this.#patience.idleMs)) {
          // Recorded now, since the reader may leave with the last part.
          if (each.type === 'finish') {
            ended = 'answered'
            standing.breaker.answered()
          }
          yield { type: 'part', model: standing.model, part: each }
        }
      } catch (error) {
        ended = undefined
        throw this.#failed(standing, asked, error, step.signal)
      }
    } finally {
      const { winner } = turn
      if (winner && ended !== undefined) this.#note(winner.standing, winner.asked, ended)
      for (const { asked, standing } of turn.running) {
        if (asked === undefined || asked === winner?.asked) continue
        standing.breaker.left()
        this.#note(standing, asked, 'left')
      }
      turn.end()
    }
  }

  /** @returns The problem to report. Throws errors that are not the provider's: that the reader left, or a bug. */
  #failed(standing: Standing, asked: ModelAttempt | undefined, error: unknown, signal: AbortSignal): Problem {
    const isProblem = error instanceof Problem
    // The deadline of the whole answer has passed, or the reader has left.
    const isEnded = signal.aborted && !(asked?.isGivenUp ?? false)
    if (asked) this.#note(standing, asked, isProblem ? outcomeOf(error, isEnded) : 'left')
    if (isProblem && asked && !(isEnded && error.code !== 'provider_timeout')) standing.breaker.failed(error)
    else if (asked) standing.breaker.left()
    if (!isProblem) throw error
    const { provider, model } = standing.model
    this.#logger.warn({ provider, model, code: error.code, detail: error.message }, 'a model provider failed')
    if (signal.aborted) throw error
    return error
  }

  #outrun(standing: Standing, asked: ModelAttempt, by: Standing): Problem {
    const { provider } = standing.model
    const seconds = Math.max(1, Math.round((now() - asked.startedAt) / 1_000))
    const problem = new Problem(
      'provider_timeout',
      `${provider} was silent for ${seconds} s; ${by.model.provider} was quicker.`,
    )
    // It was so silent that another model was asked: the next question goes to that one immediately.
    const isSilent = !asked.hasSign
    if (isSilent) standing.breaker.failed(problem)
    else standing.breaker.left()
    this.#note(standing, asked, isSilent ? 'timeout' : 'left')
    this.#logger.warn({ provider, code: problem.code, detail: problem.message }, 'a model provider failed')
    return problem
  }

  #note({ kind }: Standing, asked: ModelAttempt, outcome: ProviderOutcome): void {
    this.#observe({ provider: kind, outcome, durationMs: now() - asked.startedAt })
  }
}

async function* following(part: Part, asked: ModelAttempt, idleMs: number): AsyncGenerator<Part> {
  yield part
  yield* asked.rest(idleMs)
}

function outcomeOf({ code }: Problem, isEnded: boolean): ProviderOutcome {
  if (code === 'provider_timeout') return 'timeout'
  if (isEnded) return 'left'
  return code === 'provider_limited' ? 'limited' : 'failed'
}

function noModel(): Problem {
  return new Problem(
    'no_model_configured',
    'No model provider is set: an administrator adds one under Settings, Assistant, or sets RIG_ENDPOINT, OPENAI_API_KEY or one of the others.',
  )
}

function now(): number {
  return performance.now()
}
