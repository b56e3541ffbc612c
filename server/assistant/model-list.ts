/** Lists the models of a provider, from each provider's own format. */
import { z } from 'zod'
import { assistantBounds } from '../../contract/model-provider.ts'
import { findExcess } from '../platform/http/body-bounds.ts'
import { Problem } from '../platform/problem.ts'
import { endpointOf } from './base-urls.ts'
import type { ModelSettings } from './model-settings.ts'
import { ProviderFaults } from './provider-faults.ts'
import { providerFetch } from './provider-fetch.ts'

const maxBytes = 8 * 1024 * 1024
/**
 * Upper bounds of the JSON, enough for a thousand models with long descriptions. Deeper or larger lists took seconds to
 * parse.
 */
const shape = { names: 200_000, values: 400_000 }

const size = z.number().int().positive().optional().catch(undefined)
const List = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      context_length: size,
      context_window: size,
      max_context_length: size,
      max_input_tokens: size,
    }),
  ),
})
const GeminiList = z.object({
  models: z.array(
    z.object({ name: z.string(), inputTokenLimit: size, supportedGenerationMethods: z.array(z.string()).optional() }),
  ),
})

export interface ListedModel {
  id: string
  context_tokens: number | null
}

/** Returns undefined if a provider has no such list: RIG chooses on its own, and Azure does not list deployments. */
export async function listModelsOf(
  settings: ModelSettings,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<ListedModel[] | undefined> {
  const { kind, name, baseUrl, apiKey } = settings
  if (kind === 'rig' || kind === 'azure') return undefined
  const faults = new ProviderFaults(name, apiKey === undefined ? [] : [apiKey])
  const base = endpointOf(kind, baseUrl).baseUrl
  const query = kind === 'gemini' ? '?pageSize=1000' : kind === 'anthropic' ? '?limit=1000' : ''
  try {
    const response = await providerFetch(maxBytes, fetch)(`${base}/models${query}`, {
      headers: headersOf(settings),
      signal,
    })
    const text = await response.text()
    if (!response.ok) throw faults.refused(response.status, text, response.headers.get('retry-after'))
    if (findExcess(Buffer.from(text), shape)) throw faults.unreadable()
    return read(JSON.parse(text)).slice(0, assistantBounds.models)
  } catch (error) {
    const told = faults.of(error, signal)
    throw told instanceof Problem ? told : error
  }
}

function headersOf({ kind, apiKey }: ModelSettings): Record<string, string> {
  if (apiKey === undefined) return {}
  if (kind === 'anthropic') return { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' }
  if (kind === 'gemini') return { 'x-goog-api-key': apiKey }
  return { authorization: `Bearer ${apiKey}` }
}

function read(value: unknown): ListedModel[] {
  const gemini = GeminiList.safeParse(value).data
  if (gemini) {
    const answering = gemini.models.filter(
      ({ supportedGenerationMethods: methods }) => methods === undefined || methods.includes('generateContent'),
    )
    return answering.map(({ name, inputTokenLimit }) => ({
      id: name.replace(/^models\//, ''),
      context_tokens: inputTokenLimit ?? null,
    }))
  }
  return List.parse(value).data.map(model => ({
    id: model.id,
    context_tokens:
      model.context_length ?? model.context_window ?? model.max_context_length ?? model.max_input_tokens ?? null,
  }))
}
