/** What is set for the assistant, and the list of providers that comes of it and of the environment. */

import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { MailShare, ProviderBody } from '../../contract/model-provider.ts'
import { usualLimits } from './assistant-limits.ts'
import type { AssistantProviderRow } from './assistant-settings-tables.ts'
import type { ModelSettings } from './model-settings.ts'

export type ProviderSettings = Omit<ProviderBody, 'api_key'>

/** What the environment does not say of its providers, and the page may. */
export type EnvironmentChange = Pick<
  ProviderSettings,
  'enabled' | 'is_local' | 'context_tokens' | 'price_input' | 'price_output' | 'mail'
>

export interface StoredSettings {
  order: string[]
  limits: AssistantLimits
  shares: { account_id: string; provider_id: string; share: MailShare }[]
  /** By id. */
  environment: Record<string, EnvironmentChange>
}

export interface KnownProvider {
  id: string
  source: 'environment' | 'page'
  settings: ProviderSettings
  hasKey: boolean
}

export const nothingStored: StoredSettings = { order: [], limits: usualLimits, shares: [], environment: {} }

/** Written by this program, perhaps by an older one. */
export function storedSettings(value: unknown): StoredSettings {
  if (typeof value !== 'object' || value === null) return nothingStored
  const stored = { ...nothingStored, ...(value as Partial<StoredSettings>) }
  return { ...stored, limits: { ...usualLimits, ...stored.limits } }
}

/** In the order in which they are tried; one that nobody ordered is the last. */
export function knownProviders(
  environment: readonly ModelSettings[],
  rows: readonly AssistantProviderRow[],
  stored: StoredSettings,
): KnownProvider[] {
  const all = [
    ...environment.map(settings => ofEnvironment(settings, stored)),
    ...rows.map((row): KnownProvider => {
      const settings = JSON.parse(row.settings) as ProviderSettings
      return { id: row.id, source: 'page', settings, hasKey: row.key_sealed !== null }
    }),
  ]
  const place = ({ id }: KnownProvider) => {
    const at = stored.order.indexOf(id)
    return at < 0 ? stored.order.length : at
  }
  return all.toSorted((one, other) => place(one) - place(other))
}

function ofEnvironment(settings: ModelSettings, stored: StoredSettings): KnownProvider {
  const { id, kind, name, baseUrl = null, model, isLocal, contextTokens, apiKey } = settings
  const own: ProviderSettings = {
    kind,
    name,
    enabled: true,
    base_url: baseUrl === null ? null : withoutSecrets(baseUrl),
    model,
    is_local: isLocal,
    context_tokens: contextTokens,
    price_input: null,
    price_output: null,
    // Where it goes nowhere else, mail may be read; elsewhere somebody has to say so.
    mail: isLocal ? 'text' : 'none',
  }
  const change = Object.hasOwn(stored.environment, id) ? stored.environment[id] : undefined
  return { id, source: 'environment', settings: { ...own, ...change }, hasKey: apiKey !== undefined }
}

/** The address of RIG may hold a password, and a key behind its question mark. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return url
  const { origin, pathname, searchParams } = new URL(url)
  const version = searchParams.get('api-version')
  return `${origin}${pathname}${version === null ? '' : `?api-version=${version}`}`
}
