/** Which model providers the environment sets; `config.ts` produces it. */

export interface ProviderConfig {
  apiKey: string
  /** The provider's own address unless given; without `/chat/completions`. */
  baseUrl?: string | undefined
  model: string
}

export interface AssistantConfig {
  /** Answers `{query}` with `{response}`; user and password may stand in it. */
  rigEndpoint?: string | undefined
  openai?: ProviderConfig | undefined
  openrouter?: ProviderConfig | undefined
  anthropic?: ProviderConfig | undefined
  gemini?: ProviderConfig | undefined
  mistral?: ProviderConfig | undefined
  /** Its address is that of a resource; the model is the name of a deployment. */
  azure?: ProviderConfig | undefined
  /** Without a path, `/v1` is added. */
  ollama?: { baseUrl: string; model: string } | undefined
}
