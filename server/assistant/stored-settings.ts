/** The stored settings of the assistant, and the list of providers that results from them and the environment. */

import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { MailShare, ProviderBody } from '../../contract/model-provider.ts'
import { usualLimits } from './assistant-limits.ts'
import type { AssistantProviderRow } from './assistant-settings-tables.ts'
import type { ModelSettings } from './model-settings.ts'

export type ProviderSettings = Omit<ProviderBody, 'api_key'>

/** Settings of the environment's providers that the environment does not set, but the page may. */
export type EnvironmentChange = Pick<
  ProviderSettings,
  'enabled' | 'is_local' | 'context_tokens' | 'price_input' | 'price_output' | 'mail'
>

export interface StoredSettings {
  order: string[]
  limits: AssistantLimits
  shares: { account_id: string; provider_id: string; share: MailShare }[]
  /** Changes by provider id. */
  environment: Record<string, EnvironmentChange>
}

export interface KnownProvider {
  id: string
  source: 'environment' | 'page'
  settings: ProviderSettings
  hasKey: boolean
}

export const nothingStored: StoredSettings = { order: [], limits: usualLimits, shares: [], environment: {} }

/** Parses stored settings, perhaps of an older version of this program. */
export function storedSettings(value: unknown): StoredSettings {
  if (typeof value !== 'object' || value === null) return nothingStored
  const stored = { ...nothingStored, ...(value as Partial<StoredSettings>) }
  return { ...stored, limits: { ...usualLimits, ...stored.limits } }
}

/** Lists providers in the order of trial; one without a place in the order is last. */
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
    // A local model may read mail; for others an administrator has to allow it.
    mail: isLocal ? 'text' : 'none',
  }
  const change = Object.hasOwn(stored.environment, id) ? stored.environment[id] : undefined
  return { id, source: 'environment', settings: { ...own, ...change }, hasKey: apiKey !== undefined }
}

/** Removes secrets: the URL of RIG may contain a password, and a key in its query. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return url
  const { origin, pathname, searchParams } = new URL(url)
  const version = searchParams.get('api-version')
  return `${origin}${pathname}${version === null ? '' : `?api-version=${version}`}`
}
