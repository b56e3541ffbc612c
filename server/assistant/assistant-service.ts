/** Answers questions with the first model that answers. Which models there are is settled in `app.ts`; it remembers no conversation. */
import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import type { ChatbotPart, ChatbotQuery, ChatbotResponse, ChatProviders } from '../../contract/assistant.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, Message, Part, Usage } from './chat-model.ts'

export interface AssistantServiceOptions {
  /** In the order in which they are tried. */
  models: readonly ChatModel[]
  logger: Logger
  /** Of one whole answer, all models that were tried included. */
  deadlineMs?: number
  /** Between two parts of a model, and before its first. */
  idleMs?: number
}

/** A failure is thrown, whenever it comes; the route writes it as the part `error`. */
export type AnswerPart = Exclude<ChatbotPart, { type: 'error' }>

/** Past them a question is answered with `overloaded`. */
const maxAnswers = 16
/** Past them an answer is ended. */
const maxAnswerCharacters = 200_000

const instructions =
  'You are the assistant of RustyMail, a server between mailboxes and the programs that use them. Answer briefly and in ' +
  'the language of the question. You cannot see any mailbox yet: when you are asked about mail, say so and invent nothing.'

const providerVariables =
  'RIG_ENDPOINT, OPENAI_API_KEY, OPENROUTER_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OLLAMA_BASE_URL'

export class AssistantService {
  readonly #models: readonly ChatModel[]
  readonly #logger: Logger
  readonly #deadlineMs: number
  readonly #idleMs: number
  /** One for each answer under way. */
  readonly #running = new Set<AbortController>()
  #isStopped = false

  constructor({ models, logger, deadlineMs = 60_000, idleMs = 30_000 }: AssistantServiceOptions) {
    this.#models = models
    this.#logger = logger
    this.#deadlineMs = deadlineMs
    this.#idleMs = idleMs
  }

  listProviders(): z.infer<typeof ChatProviders> {
    return { items: this.#models.map(({ provider, model }) => ({ provider, model })) }
  }

  async query(principal: Principal, input: ChatbotQuery, signal: AbortSignal): Promise<ChatbotResponse> {
    for await (const part of this.stream(principal, input, signal)) if (part.type === 'finish') return part.result
    throw new Error('an answer ended without its last part')
  }

  /** `start`, then text, then `finish`. What is thrown before `start` comes before anything was answered. */
  async *stream(principal: Principal, input: ChatbotQuery, signal: AbortSignal): AsyncGenerator<AnswerPart> {
    if (this.#isStopped) throw draining()
    if (this.#models.length === 0) {
      throw new Problem('no_model_configured', `Set ${providerVariables}, and start RustyMail again.`)
    }
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
    const conversation_id = input.conversation_id ?? randomUUID()
    const begun = performance.now()
    let text = ''
    for await (const { model, part } of this.#firstToAnswer({ messages: messagesFor(input), signal })) {
      const by = { conversation_id, provider: model.provider, model: model.model }
      if (part.type === 'text-delta') {
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

  /** Goes on to the next model as long as none has given a word; from then on a failure is the answer's. */
  async *#firstToAnswer(request: ChatRequest): AsyncGenerator<{ model: ChatModel; part: Part }> {
    const failures: Problem[] = []
    for (const model of this.#models) {
      let hasBegun = false
      try {
        for await (const part of wholeAnswer(model, withinIdle(model, request, this.#idleMs))) {
          hasBegun ||= part.type === 'text-delta'
          yield { model, part }
        }
        return
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        this.#logger.warn(
          { provider: model.provider, model: model.model, code: error.code, detail: error.message },
          'a model provider failed',
        )
        if (hasBegun || request.signal.aborted) throw error
        failures.push(error)
      }
    }
    throw summary(failures)
  }
}

/** Where the earlier messages of a conversation will come in. */
function messagesFor(input: ChatbotQuery): Message[] {
  return [
    { role: 'system', content: instructions },
    { role: 'user', content: input.query },
  ]
}

/** The clock runs only while the model is waited for, not while the reader takes its time. */
async function* withinIdle(model: ChatModel, request: ChatRequest, idleMs: number): AsyncGenerator<Part> {
  const idle = new AbortController()
  const signal = AbortSignal.any([request.signal, idle.signal])
  const parts = model.stream({ ...request, signal })[Symbol.asyncIterator]()
  try {
    while (true) {
      const timer = setTimeout(() => idle.abort(timedOut()), idleMs)
      const next = await parts.next().finally(() => clearTimeout(timer))
      if (next.done) return
      yield next.value
    }
  } finally {
    await parts.return?.()
  }
}

/** Passes the parts on and throws when they are no answer: no word in it, no end, or no end in sight. */
async function* wholeAnswer(model: ChatModel, parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  let characters = 0
  let usage: Usage | undefined
  for await (const part of parts) {
    if (part.type === 'finish') usage = part.usage
    else yield part
    if (part.type === 'text-delta') characters += part.text.length
    if (characters > maxAnswerCharacters) throw failed(model, `was ended after ${maxAnswerCharacters} characters.`)
  }
  if (usage === undefined) throw failed(model, 'broke off its answer.')
  if (characters === 0) throw failed(model, 'sent an empty answer.')
  yield { type: 'finish', usage }
}

function failed(model: ChatModel, what: string): Problem {
  return new Problem('provider_failed', `${model.provider} ${what}`)
}

/** When each was too slow, so is the answer; else they failed. */
function summary(failures: readonly Problem[]): Problem {
  const isTimeout = failures.every(({ code }) => code === 'provider_timeout')
  const detail = failures.map(({ message }) => message).join(' ')
  return new Problem(isTimeout ? 'provider_timeout' : 'provider_failed', detail)
}

function draining(): Problem {
  return new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
}

/** The reason of an abort that adapters translate into `provider_timeout`. */
function timedOut(): DOMException {
  return new DOMException('took too long', 'TimeoutError')
}
