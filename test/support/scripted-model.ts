/** ChatModel for tests: it plays a script instead of asking anyone. No real server makes one. */
import type { ChatModel, ChatRequest, Part } from '../../server/assistant/chat-model.ts'
import { ProviderFaults } from '../../server/assistant/provider-faults.ts'

/** A part is given, an error is thrown, a promise is waited for. */
export type ScriptLine = Part | Error | Promise<unknown>

interface ScriptedModelOptions {
  provider?: string
  model?: string | null
  script: readonly ScriptLine[]
}

export class ScriptedModel implements ChatModel {
  readonly provider: string
  readonly model: string | null
  /** What it was asked, oldest first. */
  readonly requests: ChatRequest[] = []
  readonly #script: readonly ScriptLine[]
  readonly #faults: ProviderFaults

  constructor({ provider = 'scripted', model = null, script }: ScriptedModelOptions) {
    this.provider = provider
    this.model = model
    this.#script = script
    this.#faults = new ProviderFaults(provider, [])
  }

  async *stream(request: ChatRequest): AsyncGenerator<Part> {
    this.requests.push(request)
    for (const line of this.#script) {
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
