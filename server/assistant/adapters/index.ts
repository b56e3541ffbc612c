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

export function createChatModels(config: AssistantConfig): ChatModel[] {
  const { rigEndpoint, openai, openrouter, anthropic, gemini, ollama } = config
  return [
    ...(rigEndpoint ? [new RigModel({ endpoint: rigEndpoint })] : []),
    ...(openai ? [preset('openai', openai)] : []),
    ...(openrouter ? [new OpenRouterModel(openrouter)] : []),
    ...(anthropic ? [preset('anthropic', anthropic)] : []),
    ...(gemini ? [preset('gemini', gemini)] : []),
    ...(ollama ? [new OpenAiModel({ provider: 'ollama', ...ollama, baseUrl: ollamaUrl(ollama.baseUrl) })] : []),
  ]
}

function preset(provider: keyof typeof baseUrls, { apiKey, baseUrl, model }: ProviderConfig): ChatModel {
  return new OpenAiModel({ provider, apiKey, baseUrl: baseUrl ?? baseUrls[provider], model })
}

/** Ollama's own address is given without a path; the completions are under `/v1`. */
function ollamaUrl(baseUrl: string): string {
  const url = new URL(baseUrl)
  if (url.pathname === '/') url.pathname = '/v1'
  return url.href
}
