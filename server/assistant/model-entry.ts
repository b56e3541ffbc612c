/** A model in its place in the order, with its settings and its circuit breaker. */
import type { MailShare } from '../../contract/model-provider.ts'
import type { ChatModel } from './chat-model.ts'
import type { ProviderBreaker } from './provider-breaker.ts'

export interface ModelEntry {
  model: ChatModel
  kind: string
  /** The identity of key, URL and model; if it changes, the state of the breaker is reset. */
  identity: string
  shareOf(accountId: string): MailShare
  /** US dollars per million tokens. */
  priceInput: number | null
  priceOutput: number | null
}

export interface Standing extends ModelEntry {
  breaker: ProviderBreaker
}
