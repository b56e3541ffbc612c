/** The kinds of model providers, and the fields that each needs. */
import type { ProviderKind } from '../../contract/model-provider.ts'

export interface KindWords {
  kind: ProviderKind
  label: string
  /** The default base URL; empty if one must be entered. */
  usualUrl: string
  urlHint: string
  keyHint: string
  needsKey: boolean
  hasModel: boolean
  modelPlaceholder: string
}

const usual = 'Leave empty for the default. With or without the version at its end.'

export const kinds: readonly KindWords[] = [
  {
    ...{ kind: 'openai', label: 'OpenAI', usualUrl: 'https://api.openai.com/v1', urlHint: usual, needsKey: true },
    ...{ keyHint: 'From platform.openai.com, API keys.', hasModel: true, modelPlaceholder: 'gpt-4o-mini' },
  },
  {
    ...{ kind: 'anthropic', label: 'Anthropic', usualUrl: 'https://api.anthropic.com', urlHint: usual, needsKey: true },
    ...{ keyHint: 'From console.anthropic.com, API keys.', hasModel: true, modelPlaceholder: 'claude-sonnet-4-5' },
  },
  {
    ...{ kind: 'gemini', label: 'Gemini', usualUrl: 'https://generativelanguage.googleapis.com', urlHint: usual },
    ...{ keyHint: 'From aistudio.google.com, Get API key.', needsKey: true, hasModel: true },
    modelPlaceholder: 'gemini-2.5-flash',
  },
  {
    ...{ kind: 'mistral', label: 'Mistral', usualUrl: 'https://api.mistral.ai/v1', urlHint: usual, needsKey: true },
    ...{ keyHint: 'From console.mistral.ai, API keys.', hasModel: true, modelPlaceholder: 'mistral-medium-latest' },
  },
  {
    ...{ kind: 'openrouter', label: 'OpenRouter', usualUrl: 'https://openrouter.ai/api/v1', urlHint: usual },
    ...{ keyHint: 'From openrouter.ai, Keys.', needsKey: true, hasModel: true, modelPlaceholder: 'openrouter/auto' },
  },
  {
    ...{ kind: 'azure', label: 'Azure OpenAI', usualUrl: '', needsKey: true, hasModel: true },
    urlHint: 'https://NAME.openai.azure.com, or the whole target URI of a deployment with its api-version.',
    ...{ keyHint: 'From the resource, Keys and Endpoint.', modelPlaceholder: 'Name of the deployment' },
  },
  {
    ...{ kind: 'ollama', label: 'Ollama', usualUrl: 'http://127.0.0.1:11434', needsKey: false, hasModel: true },
    urlHint: 'Leave empty for this machine. The first test asks you to allow its address.',
    ...{ keyHint: 'Only if a proxy in front of it requires one.', modelPlaceholder: 'llama3.2' },
  },
  {
    ...{ kind: 'openai_compatible', label: 'Other (OpenAI-compatible)', usualUrl: '', needsKey: false },
    urlHint: 'Of vLLM, LM Studio, llama.cpp, a gateway … with or without /v1.',
    ...{ keyHint: 'If the server requires one.', hasModel: true, modelPlaceholder: 'Name of the model' },
  },
  {
    ...{ kind: 'rig', label: 'RIG', usualUrl: '', needsKey: false, hasModel: false, modelPlaceholder: '' },
    urlHint: 'Answers POST {"query": …} with {"response": …}. It sees no mail and calls no tools.',
    keyHint: 'Sent as a bearer token.',
  },
]

export function wordsOf(kind: ProviderKind): KindWords {
  return kinds.find(each => each.kind === kind) ?? kinds[0]!
}

export const shareWords = {
  none: 'Nothing',
  headers: 'Senders, subjects, dates',
  text: 'All of it',
} as const
