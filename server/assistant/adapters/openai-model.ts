/** ChatModel over OpenAI's chat completions, which many other companies speak too. */
import type { ChatModel, ChatRequest, Part } from '../chat-model.ts'
import { ProviderFaults } from '../provider-faults.ts'
import { providerFetch } from '../provider-fetch.ts'
import { maxAnswerBytes, streamFromSdk } from './sdk-stream.ts'

interface OpenAiModelOptions {
  /** The company, as clients see it. */
  provider: string
  /** Without `/chat/completions`. */
  baseUrl: string
  /** Ollama needs none. */
  apiKey?: string | undefined
  model: string
  fetch?: typeof globalThis.fetch
}

export class OpenAiModel implements ChatModel {
  readonly provider: string
  readonly model: string
  readonly #baseUrl: string
  readonly #apiKey: string | undefined
  readonly #fetch: typeof globalThis.fetch | undefined
  readonly #faults: ProviderFaults

  constructor({ provider, baseUrl, apiKey, model, fetch }: OpenAiModelOptions) {
    this.provider = provider
    this.model = model
    this.#baseUrl = baseUrl
    this.#apiKey = apiKey
    this.#fetch = fetch
    this.#faults = new ProviderFaults(provider, apiKey === undefined ? [] : [apiKey])
  }

  stream(request: ChatRequest): AsyncGenerator<Part> {
    return streamFromSdk({ languageModel: () => this.#languageModel(), request, faults: this.#faults })
  }

  async #languageModel() {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    const provider = createOpenAICompatible({
      name: this.provider,
      baseURL: this.#baseUrl,
      ...(this.#apiKey === undefined ? {} : { apiKey: this.#apiKey }),
      includeUsage: true,
      fetch: providerFetch(maxAnswerBytes, this.#fetch),
    })
    return provider.chatModel(this.model)
  }
}
