/** The model providers set by the environment; `config.ts` produces it. */

export interface ProviderConfig {
  apiKey: string
  /** Defaults to the provider's own URL; without `/chat/completions`. */
  baseUrl?: string | undefined
  model: string
}

export interface AssistantConfig {
  /** Accepts `{query}` and returns `{response}`; the URL may contain user and password. */
  rigEndpoint?: string | undefined
  openai?: ProviderConfig | undefined
  openrouter?: ProviderConfig | undefined
  anthropic?: ProviderConfig | undefined
  gemini?: ProviderConfig | undefined
  mistral?: ProviderConfig | undefined
  /** The URL is that of a resource; the model is the name of a deployment. */
  azure?: ProviderConfig | undefined
  /** `/v1` is added to a URL without a path. */
  ollama?: { baseUrl: string; model: string } | undefined
}
