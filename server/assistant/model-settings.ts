/** The settings of a provider that an adapter needs. */
import type { ProviderKind } from '../../contract/model-provider.ts'

export interface ModelSettings {
  /** Stable, and unique among the providers. */
  id: string
  kind: ProviderKind
  /** The name that people see in answers, the log and problems. */
  name: string
  /** The base URL as entered; undefined for the provider's own. */
  baseUrl?: string | null | undefined
  apiKey?: string | undefined
  /** Azure's is the name of the deployment. RIG chooses on its own. */
  model: string | null
  isLocal: boolean
  contextTokens: number
}

/** Returns the facts of a model that any adapter shares. */
export function modelFacts({ id, name, model, isLocal, contextTokens }: ModelSettings) {
  return { id, provider: name, model, isLocal, contextTokens }
}
