/** ChatModel over OpenRouter, which passes the question on to many companies. */
import type { ChatModel, ChatRequest, Part } from '../chat-model.ts'
import { ProviderFaults } from '../provider-faults.ts'
import { providerFetch } from '../provider-fetch.ts'
import { maxAnswerBytes, streamFromSdk } from './sdk-stream.ts'

interface OpenRouterModelOptions {
  apiKey: string
  /** OpenRouter's own unless given. */
  baseUrl?: string | undefined
  model: string
  fetch?: typeof globalThis.fetch
}

export class OpenRouterModel implements ChatModel {
  readonly provider = 'openrouter'
  readonly model: string
  readonly #apiKey: string
  readonly #baseUrl: string | undefined
  readonly #fetch: typeof globalThis.fetch | undefined
  readonly #faults: ProviderFaults

  constructor({ apiKey, baseUrl, model, fetch }: OpenRouterModelOptions) {
    this.model = model
    this.#apiKey = apiKey
    this.#baseUrl = baseUrl
    this.#fetch = fetch
    this.#faults = new ProviderFaults(this.provider, [apiKey])
  }

  stream(request: ChatRequest): AsyncGenerator<Part> {
    return streamFromSdk({ languageModel: () => this.#languageModel(), request, faults: this.#faults })
  }

  async #languageModel() {
    const { createOpenRouter } = await import('@openrouter/ai-sdk-provider')
    const provider = createOpenRouter({
      apiKey: this.#apiKey,
      ...(this.#baseUrl === undefined ? {} : { baseURL: this.#baseUrl }),
      // Else it does not ask for the usage.
      compatibility: 'strict',
      fetch: providerFetch(maxAnswerBytes, this.#fetch),
    })
    return provider.chat(this.model)
  }
}
