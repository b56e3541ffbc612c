/** Reads the model providers that the environment configures. */

import type { AssistantConfig } from './assistant/assistant-config.ts'
import { BaseUrlFault, endpointOf } from './assistant/base-urls.ts'
import type { Environment } from './environment.ts'

export function assistantOf(env: Environment, faults: string[]): AssistantConfig {
  const bases = [
    ['OPENAI_BASE_URL', 'openai'],
    ['OPENROUTER_BASE_URL', 'openrouter'],
    ['ANTHROPIC_BASE_URL', 'anthropic'],
    ['GEMINI_BASE_URL', 'gemini'],
    ['MISTRAL_BASE_URL', 'mistral'],
    ['OLLAMA_BASE_URL', 'ollama'],
    ['RIG_ENDPOINT', 'rig'],
    ['AZURE_OPENAI_ENDPOINT', 'azure'],
  ] as const
  for (const [name, kind] of bases) {
    try {
      if (env[name] !== undefined) endpointOf(kind, env[name])
    } catch (error) {
      if (!(error instanceof BaseUrlFault)) throw error
      faults.push(`${name}: ${error.message}`)
    }
  }
  if (env.OLLAMA_BASE_URL && !env.OLLAMA_MODEL)
    faults.push('OLLAMA_MODEL must be set as well, since OLLAMA_BASE_URL is')
  const provider = (name: 'OPENAI' | 'OPENROUTER' | 'ANTHROPIC' | 'GEMINI' | 'MISTRAL') => {
    const apiKey = env[`${name}_API_KEY`]
    return apiKey === undefined ? undefined : { apiKey, baseUrl: env[`${name}_BASE_URL`], model: env[`${name}_MODEL`] }
  }
  return {
    rigEndpoint: env.RIG_ENDPOINT,
    openai: provider('OPENAI'),
    openrouter: provider('OPENROUTER'),
    anthropic: provider('ANTHROPIC'),
    gemini: provider('GEMINI'),
    mistral: provider('MISTRAL'),
    azure: azureOf(env, faults),
    ollama:
      env.OLLAMA_BASE_URL && env.OLLAMA_MODEL ? { baseUrl: env.OLLAMA_BASE_URL, model: env.OLLAMA_MODEL } : undefined,
  }
}

/**
 * Reads Azure's settings; the endpoint may already include the deployment, in the form that Azure shows for copying.
 */
function azureOf(env: Environment, faults: string[]): AssistantConfig['azure'] {
  const {
    AZURE_OPENAI_ENDPOINT: endpoint,
    AZURE_OPENAI_API_KEY: apiKey,
    AZURE_OPENAI_API_VERSION: version,
    AZURE_OPENAI_DEPLOYMENT: deployment,
  } = env
  if (apiKey === undefined && endpoint === undefined) return undefined
  if (apiKey === undefined || endpoint === undefined) {
    faults.push('AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY must be set together')
    return undefined
  }
  const baseUrl = new URL(endpoint)
  if (version !== undefined) baseUrl.searchParams.set('api-version', version)
  if (deployment === undefined && !/\/openai\/deployments\/[^/]/.test(baseUrl.pathname)) {
    faults.push('AZURE_OPENAI_DEPLOYMENT must be set as well, since AZURE_OPENAI_ENDPOINT names no deployment')
    return undefined
  }
  return { apiKey, baseUrl: baseUrl.href, model: deployment ?? '' }
}
