/** Answers questions with the first model that answers. Which models there are is settled in `app.ts`; it remembers no conversation. */
import type { z } from 'zod'
import type { ChatbotPart, ChatbotQuery, ChatbotResponse, ChatProviders } from '../../contract/assistant.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { timedOut } from './asked-model.ts'
import type { Message } from './chat-model.ts'
import type { ModelChoice } from './model-choice.ts'

export interface AssistantServiceOptions {
  choice: ModelChoice
  logger: Logger
  /** Of one whole answer, all models that were tried included. */
  deadlineMs?: number
}

/** A failure is thrown, whenever it comes; the route writes it as the part `error`. */
export type AnswerPart = Exclude<ChatbotPart, { type: 'error' }>

/** Past them a question is answered with `overloaded`. */
const maxAnswers = 16

const instructions =
  'You are the assistant of RustyMail, a server between mailboxes and the programs that use them. Answer briefly and in ' +
  'the language of the question. You cannot see any mailbox yet: when you are asked about mail, say so and invent nothing.'

export class AssistantService {
  readonly #choice: ModelChoice
  readonly #logger: Logger
  readonly #deadlineMs: number
  /** One for each answer under way. */
  readonly #running = new Set<AbortController>()
  #isStopped = false

  constructor({ choice, logger, deadlineMs = 60_000 }: AssistantServiceOptions) {
    this.#choice = choice
    this.#logger = logger
    this.#deadlineMs = deadlineMs
  }

  listProviders(): z.infer<typeof ChatProviders> {
    return {
      items: this.#choice
        .models()
        .map(({ id, provider, model, isLocal }) => ({ id, provider, model, is_local: isLocal })),
    }
  }

  async query(principal: Principal, input: ChatbotQuery, signal: AbortSignal): Promise<ChatbotResponse> {
    for await (const part of this.stream(principal, input, signal)) if (part.type === 'finish') return part.result
    throw new Error('a response ended without its last part')
  }

  /** `start`, then text, then `finish`. What is thrown before `start` comes before anything was answered. */
  async *stream(principal: Principal, input: ChatbotQuery, signal: AbortSignal): AsyncGenerator<AnswerPart> {
    if (this.#isStopped) throw draining()
    if (this.#running.size >= maxAnswers) {
      throw new Problem('overloaded', `${maxAnswers} questions are being answered. Try again in a moment.`, {
        retryAfterSeconds: 5,
      })
    }
    const ended = new AbortController()
    this.#running.add(ended)
    const deadline = setTimeout(() => ended.abort(timedOut()), this.#deadlineMs)
    try {
      yield* this.#answer(principal, input, AbortSignal.any([signal, ended.signal]))
    } finally {
      clearTimeout(deadline)
      this.#running.delete(ended)
    }
  }

  /** Ends all answers under way and gives no more. To be called before the HTTP server waits for its last answers. */
  stop(): void {
    this.#isStopped = true
    for (const answer of this.#running) answer.abort(draining())
  }

  async *#answer(principal: Principal, input: ChatbotQuery, signal: AbortSignal): AsyncGenerator<AnswerPart> {
    const begun = performance.now()
    let text = ''
    const endsAt = begun + this.#deadlineMs
    const { temperature, max_output_tokens: maxOutputTokens } = this.#choice.limits()
    const request = { messages: messagesFor(input), maxOutputTokens, ...(temperature === null ? {} : { temperature }) }
    for await (const each of this.#choice.answer({ requestFor: () => request, endsAt, signal })) {
      if (each.type === 'attempt') continue
      const { model, part } = each
      const by = { provider: model.provider, model: model.model }
      if (part.type === 'text_delta') {
        if (text === '') yield { type: 'start', ...by }
        text += part.text
        yield part
      }
      if (part.type !== 'finish') continue
      const duration_ms = Math.round(performance.now() - begun)
      this.#logger.info({ principal: principal.id, ...by, duration_ms, usage: part.usage }, 'a question was answered')
      yield { type: 'finish', result: { response: text, ...by, tool_calls: [], usage: part.usage } }
    }
  }
}

/** Where the earlier messages of a conversation will come in. */
function messagesFor(input: ChatbotQuery): Message[] {
  return [
    { role: 'system', content: instructions },
    { role: 'user', content: input.query },
  ]
}

function draining(): Problem {
  return new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
}
