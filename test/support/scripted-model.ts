/** ChatModel for tests: it plays a script instead of calling a provider. No real server creates one. */
import type { ChatModel, ChatRequest, Part } from '../../server/assistant/chat-model.ts'
import { ProviderFaults } from '../../server/assistant/provider-faults.ts'

/** A part is sent, an error is thrown, a promise is awaited. */
export type ScriptLine = Part | Error | Promise<unknown>

interface ScriptedModelOptions {
  /** The provider's name; it has a default. */
  id?: string
  provider?: string
  isLocal?: boolean
  takesTools?: boolean
  answersWhole?: boolean
  contextTokens?: number
  model?: string | null
  /** One script for all questions, or a function from the question's number, counted from 0. */
  script: readonly ScriptLine[] | ((question: number) => readonly ScriptLine[])
}

export class ScriptedModel implements ChatModel {
  readonly id: string
  readonly provider: string
  readonly model: string | null
  readonly isLocal: boolean
  readonly takesTools: boolean
  readonly answersWhole: boolean
  readonly contextTokens: number
  /** Its requests, oldest first. */
  readonly requests: ChatRequest[] = []
  readonly #script: (question: number) => readonly ScriptLine[]
  readonly #faults: ProviderFaults

  constructor({ provider = 'scripted', model = null, script, ...options }: ScriptedModelOptions) {
    this.id = options.id ?? provider
    this.provider = provider
    this.model = model
    this.isLocal = options.isLocal ?? false
    this.takesTools = options.takesTools ?? true
    this.answersWhole = options.answersWhole ?? false
    this.contextTokens = options.contextTokens ?? 32_000
    this.#script = typeof script === 'function' ? script : () => script
    this.#faults = new ProviderFaults(provider, [])
  }

  async *stream(request: ChatRequest): AsyncGenerator<Part> {
    const lines = this.#script(this.requests.push(request) - 1)
    for (const line of lines) {
      if (request.signal.aborted) throw this.#faults.of(undefined, request.signal)
      if (line instanceof Error) throw line
      if (line instanceof Promise) await this.#waitFor(line, request.signal)
      else yield line
    }
  }

  async #waitFor(line: Promise<unknown>, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(this.#faults.of(undefined, signal))
    signal.addEventListener('abort', abort, { once: true })
    await Promise.race([line, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
  }
}
