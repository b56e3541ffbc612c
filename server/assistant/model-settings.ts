/** What an adapter needs to know of the provider that it asks. */
import type { ProviderKind } from '../../contract/model-provider.ts'

export interface ModelSettings {
  /** Stable, and unique among the providers. */
  id: string
  kind: ProviderKind
  /** As people see it in answers, in the log and in problems. */
  name: string
  /** As it was written; the provider's own where none is given. */
  baseUrl?: string | null | undefined
  apiKey?: string | undefined
  /** Of Azure, the name of the deployment. RIG chooses by itself. */
  model: string | null
  isLocal: boolean
  contextTokens: number
}

/** What the page tells of an answer's model, whichever adapter asks it. */
export function modelFacts({ id, name, model, isLocal, contextTokens }: ModelSettings) {
  return { id, provider: name, model, isLocal, contextTokens }
}
