/**
 * ModelChoice for tests: each model plays what a function returns, and the next one is asked until one outputs
 * something.
 */

import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import type { ChatModel, ChatRequest, Part, ToolRequest, Usage } from '../../server/assistant/chat-model.ts'
import type { ModelChoice, ModelPart, ModelStep } from '../../server/assistant/model-choice.ts'
import { Problem } from '../../server/platform/problem.ts'

export type Asked = Omit<ChatRequest, 'signal'>

/** A part or text is sent, an error is thrown, a promise is awaited. */
export type Line = Part | string | Error | Promise<unknown>
export type Script = (asked: Asked, model: ChatModel) => Iterable<Line> | AsyncIterable<Line>

export const usualLimits: AssistantLimits = {
  ...{ temperature: null, max_output_tokens: 1_000, max_steps: 8, max_seconds: 60 },
  ...{ conversation_tokens: 10_000_000, conversation_cost_usd: null },
  ...{ principal_tokens_per_day: 100_000_000, principal_cost_usd_per_day: null, retention_days: 90 },
}

export function scriptedModel(id: string, more: Partial<ChatModel> = {}): ChatModel {
  const stream = () => {
    throw new Error('a choice plays it')
  }
  const usual = { provider: id, model: `${id}-1`, isLocal: false, takesTools: true, contextTokens: 32_000 }
  return { id, ...usual, stream, ...more }
}

export const toolCall = (name: string, input: unknown, id = 'x'): Part => ({
  type: 'tool_call',
  call: { id, name, input } satisfies ToolRequest,
})

/** Returns the last tool result in the request. */
export const lastResult = ({ messages }: Asked): string =>
  messages.findLast(({ role }) => role === 'tool')?.content ?? ''

/** Returns the number of answers since the question. */
export const stepOf = ({ messages }: Asked): number => {
  const asked = messages.findLastIndex(({ role }) => role === 'user')
  return messages.slice(asked).filter(({ role }) => role === 'assistant').length
}

export class ScriptedChoice implements ModelChoice {
  readonly requests: { model: string; asked: Asked }[] = []
  all: ChatModel[]
  script: Script
  bounds: AssistantLimits
  off = new Map<string, string>()
  shares = new Map<string, MailShare>()
  /** Price of a token in US dollars. */
  price: number | null = null

  constructor(script: Script = () => ['yes'], models: ChatModel[] = [scriptedModel('one')]) {
    this.script = script
    this.all = models
    this.bounds = usualLimits
  }

  models(): readonly ChatModel[] {
    return this.all
  }

  limits(): AssistantLimits {
    return this.bounds
  }

  shareOf(model: ChatModel, accountId: string): MailShare {
    return this.shares.get(`${model.id} ${accountId}`) ?? this.shares.get(model.id) ?? 'text'
  }

  costOf(_model: ChatModel, usage: Usage): number | null {
    return this.price === null ? null : ((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0)) * this.price
  }

  async *answer({ requestFor, startWith, signal }: ModelStep): AsyncGenerator<ModelPart> {
    const first = this.all.filter(({ id }) => id === startWith)
    for (const model of [...first, ...this.all.filter(({ id }) => id !== startWith)]) {
      const asked = requestFor(model)
      if (asked instanceof Problem) {
        yield { type: 'attempt', model, problem: asked }
        continue
      }
      this.requests.push({ model: model.id, asked })
      let isVisible = false
      try {
        for await (const part of this.#play(asked, model, signal)) {
          isVisible ||= part.type !== 'finish'
          yield { type: 'part', model, part }
        }
        return
      } catch (error) {
        if (isVisible || signal.aborted || !(error instanceof Problem)) throw error
        yield { type: 'attempt', model, problem: error }
      }
    }
    throw new Problem('provider_failed', 'All of them failed.')
  }

  async *#play(asked: Asked, model: ChatModel, signal: AbortSignal): AsyncGenerator<Part> {
    const aborted = Promise.withResolvers<never>()
    aborted.promise.catch(() => undefined)
    const abort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    let isCalling = false
    let isEnded = false
    try {
      const lines = this.script(asked, model)
      // `for await` would await a line that is a promise.
      const iterator = Symbol.asyncIterator in lines ? lines[Symbol.asyncIterator]() : lines[Symbol.iterator]()
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        const line = next.value
        signal.throwIfAborted()
        if (line instanceof Error) throw line
        if (line instanceof Promise) await Promise.race([line, aborted.promise])
        else if (typeof line === 'string') yield { type: 'text_delta', text: line }
        else {
          isCalling ||= line.type === 'tool_call'
          isEnded ||= line.type === 'finish'
          yield line
        }
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
    if (!isEnded) yield { type: 'finish', usage: null, reason: isCalling ? 'tool_calls' : 'stop' }
  }
}
