/** The dependencies and bounds of webhook delivery. */
import type { EventHub } from '../events/event-hub.ts'
import type { LeaseService } from '../leases/lease-service.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { WebhookKind } from './webhook-kind.ts'
import type { WebhookSender } from './webhook-sender.ts'
import type { WebhookStore } from './webhook-store.ts'
import type { WebhookKindName, WebhookRow } from './webhook-tables.ts'

/** The outcome of an attempt, for metrics. */
export type WebhookResult = 'delivered' | 'retried' | 'abandoned' | 'gap' | 'ended'

export interface WebhookEngineOptions {
  hub: Pick<EventHub, 'follow' | 'places'>
  leases: Pick<LeaseService, 'want'>
  store: WebhookStore
  sender: Pick<WebhookSender, 'send'>
  secrets: SecretBox
  kinds: Record<WebhookKindName, WebhookKind>
  /** Reads the current rights of the endpoint's principal from the database; undefined if it has none left. */
  standing(row: WebhookRow): Promise<Principal | undefined>
  observe(result: WebhookResult): void
  now(): number
  logger: Logger
  bounds?: Partial<WebhookEngineBounds>
}

export interface WebhookEngineBounds {
  /** Concurrent attempts to healthy endpoints; the same number again to failing ones. */
  atOnce: number
  /** Messages to one endpoint before the next one gets its turn. */
  turn: number
  /** Delay between the first changed place and storing all of them. */
  commitMs: number
  /** Interval at which endpoints and their principals are compared with the database. */
  reviewMs: number
}
