/** Makes the models that are set, in the order in which they are tried: RIG first, as the plan has it. */
import type { AssistantConfig, ProviderConfig } from '../assistant-config.ts'
import type { ChatModel } from '../chat-model.ts'
import { baseUrlOf, type Company } from './base-urls.ts'
import { OpenAiModel } from './openai-model.ts'
import { OpenRouterModel } from './openrouter-model.ts'
import { RigModel } from './rig-model.ts'

/** @param fetch By which all calls to providers go out. */
export function createChatModels(config: AssistantConfig, fetch = globalThis.fetch): ChatModel[] {
  const { rigEndpoint, openai, openrouter, anthropic, gemini, ollama } = config
  return [
    ...(rigEndpoint ? [new RigModel({ endpoint: rigEndpoint, fetch })] : []),
    ...(openai ? [preset('openai', { ...openai, fetch })] : []),
    ...(openrouter
      ? [new OpenRouterModel({ ...openrouter, fetch, baseUrl: baseUrlOf('openrouter', openrouter.baseUrl) })]
      : []),
    ...(anthropic ? [preset('anthropic', { ...anthropic, fetch })] : []),
    ...(gemini ? [preset('gemini', { ...gemini, fetch })] : []),
    ...(ollama ? [preset('ollama', { ...ollama, fetch })] : []),
  ]
}

function preset(
  provider: Company,
  {
    apiKey,
    baseUrl,
    model,
    fetch,
  }: Omit<ProviderConfig, 'apiKey'> & { apiKey?: string; fetch: typeof globalThis.fetch },
): ChatModel {
  return new OpenAiModel({ provider, apiKey, fetch, baseUrl: baseUrlOf(provider, baseUrl), model })
}
