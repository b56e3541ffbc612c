/** A ChatModel over a provider of the `ai` SDK: what these adapters share. */
import type { ChatModel, ChatRequest, Part } from '../chat-model.ts'
import { type ModelSettings, modelFacts } from '../model-settings.ts'
import { ProviderFaults } from '../provider-faults.ts'
import { providerFetch } from '../provider-fetch.ts'
import type { SdkModel } from './sdk-prompt.ts'
import { maxAnswerBytes, streamFromSdk } from './sdk-stream.ts'

export interface SdkModelOptions {
  settings: ModelSettings
  fetch?: typeof globalThis.fetch | undefined
}

export interface SdkVendor {
  /** Imports the vendor's package on demand. */
  languageModel(fetch: typeof globalThis.fetch): Promise<SdkModel>
  /** Converts call ids, if a provider accepts only ids of a certain form. */
  callId?: (id: string) => string
}

export class SdkChatModel implements ChatModel {
  readonly id: string
  readonly provider: string
  readonly model: string
  readonly isLocal: boolean
  readonly contextTokens: number
  readonly takesTools = true
  readonly #vendor: SdkVendor
  readonly #fetch: typeof globalThis.fetch
  readonly #faults: ProviderFaults
  #made: Promise<SdkModel> | undefined

  constructor({ settings, fetch }: SdkModelOptions, vendor: SdkVendor) {
    const { id, provider, model, isLocal, contextTokens } = modelFacts(settings)
    this.id = id
    this.provider = provider
    this.model = model ?? ''
    this.isLocal = isLocal
    this.contextTokens = contextTokens
    this.#vendor = vendor
    this.#fetch = providerFetch(maxAnswerBytes, fetch)
    this.#faults = new ProviderFaults(provider, settings.apiKey === undefined ? [] : [settings.apiKey])
  }

  stream(request: ChatRequest): AsyncGenerator<Part> {
    const { callId } = this.#vendor
    return streamFromSdk({ languageModel: () => this.#languageModel(), request, faults: this.#faults, callId })
  }

  #languageModel(): Promise<SdkModel> {
    this.#made ??= this.#vendor.languageModel(this.#fetch)
    return this.#made
  }
}
