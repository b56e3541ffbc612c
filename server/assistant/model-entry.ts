/** A model in its place, with what the settings say of it and how it fares. */
import type { MailShare } from '../../contract/model-provider.ts'
import type { ChatModel } from './chat-model.ts'
import type { ProviderBreaker } from './provider-breaker.ts'

export interface ModelEntry {
  model: ChatModel
  kind: string
  /** What it fared is forgotten when this changes: another key, address or model. */
  identity: string
  shareOf(accountId: string): MailShare
  /** US dollars for a million tokens. */
  priceInput: number | null
  priceOutput: number | null
}

export interface Standing extends ModelEntry {
  breaker: ProviderBreaker
}
