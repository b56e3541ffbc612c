/** Makes the models that are set, in the order in which they are tried: RIG first, as the plan has it. */
import type { AssistantConfig, ProviderConfig } from '../assistant-config.ts'
import type { ChatModel } from '../chat-model.ts'
import { OpenAiModel } from './openai-model.ts'
import { OpenRouterModel } from './openrouter-model.ts'
import { RigModel } from './rig-model.ts'

/** Where companies speak OpenAI's chat completions. */
const baseUrls = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  gemini: 'https://generativelanguage.googleapis.com/v1beta/openai',
} as const

/** @param fetch By which all calls to providers go out. */
export function createChatModels(config: AssistantConfig, fetch = globalThis.fetch): ChatModel[] {
  const { rigEndpoint, openai, openrouter, anthropic, gemini, ollama } = config
  return [
    ...(rigEndpoint ? [new RigModel({ endpoint: rigEndpoint, fetch })] : []),
    ...(openai ? [preset('openai', { ...openai, fetch })] : []),
    ...(openrouter ? [new OpenRouterModel({ ...openrouter, fetch })] : []),
    ...(anthropic ? [preset('anthropic', { ...anthropic, fetch })] : []),
    ...(gemini ? [preset('gemini', { ...gemini, fetch })] : []),
    ...(ollama ? [new OpenAiModel({ provider: 'ollama', ...ollama, fetch, baseUrl: ollamaUrl(ollama.baseUrl) })] : []),
  ]
}

function preset(
  provider: keyof typeof baseUrls,
  { apiKey, baseUrl, model, fetch }: ProviderConfig & { fetch: typeof globalThis.fetch },
): ChatModel {
  return new OpenAiModel({ provider, apiKey, fetch, baseUrl: baseUrl ?? baseUrls[provider], model })
}

/** Ollama's own address is given without a path; the completions are under `/v1`. */
function ollamaUrl(baseUrl: string): string {
  const url = new URL(baseUrl)
  if (url.pathname === '/') url.pathname = '/v1'
  return url.href
}
