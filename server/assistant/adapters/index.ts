/**
 * Creates the configured models: those of the environment in the order in which they are tried, RIG first, as the plan
 * has it; or one that the page sets.
 */
import type { ProviderKind } from '../../../contract/model-provider.ts'
import type { AssistantConfig, ProviderConfig } from '../assistant-config.ts'
import type { ChatModel } from '../chat-model.ts'
import type { ModelSettings } from '../model-settings.ts'
import { AnthropicModel } from './anthropic-model.ts'
import { GeminiModel } from './gemini-model.ts'
import { MistralModel } from './mistral-model.ts'
import { OpenAiModel } from './openai-model.ts'
import { RigModel } from './rig-model.ts'

/**
 * Creates a model.
 * @param fetch Carries its requests.
 * @throws BaseUrlFault
 */
export function createChatModel(settings: ModelSettings, fetch = globalThis.fetch): ChatModel {
  const options = { settings, fetch }
  if (settings.kind === 'rig') return new RigModel(options)
  if (settings.kind === 'anthropic') return new AnthropicModel(options)
  if (settings.kind === 'gemini') return new GeminiModel(options)
  if (settings.kind === 'mistral') return new MistralModel(options)
  return new OpenAiModel(options)
}

export function createChatModels(config: AssistantConfig, fetch = globalThis.fetch): ChatModel[] {
  return settingsOf(config).map(settings => createChatModel(settings, fetch))
}

/** Returns one model of each kind, whose id is the name of the kind. */
export function settingsOf(config: AssistantConfig): ModelSettings[] {
  const { rigEndpoint, openai, openrouter, anthropic, gemini, mistral, azure, ollama } = config
  const companies = [
    of('openai', openai),
    of('openrouter', openrouter),
    of('anthropic', anthropic),
    of('gemini', gemini),
    of('mistral', mistral),
    of('azure', azure),
    of('ollama', ollama),
  ]
  const rig = rigEndpoint === undefined ? [] : [{ ...base('rig'), baseUrl: rigEndpoint, model: null }]
  return [...rig, ...companies.filter(settings => settings !== undefined)]
}

function base(kind: ProviderKind) {
  return { id: kind, kind, name: kind, isLocal: kind === 'ollama', contextTokens: usualContextTokens }
}

/** Tokens of context that any current model accepts; the page sets how much more a model does. */
const usualContextTokens = 32_000

function of(kind: ProviderKind, config: Partial<ProviderConfig> | undefined): ModelSettings | undefined {
  if (config === undefined) return undefined
  const { apiKey, baseUrl, model = null } = config
  return { ...base(kind), apiKey, baseUrl, model }
}
