/** What the delivery of webhooks stands on, and its bounds. */
import type { EventHub } from '../events/event-hub.ts'
import type { LeaseService } from '../leases/lease-service.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { WebhookKind } from './webhook-kind.ts'
import type { WebhookSender } from './webhook-sender.ts'
import type { WebhookStore } from './webhook-store.ts'
import type { WebhookKindName, WebhookRow } from './webhook-tables.ts'

/** What became of an attempt, for the figures. */
export type WebhookResult = 'delivered' | 'retried' | 'abandoned' | 'gap' | 'ended'

export interface WebhookEngineOptions {
  hub: Pick<EventHub, 'follow' | 'places'>
  leases: Pick<LeaseService, 'want'>
  store: WebhookStore
  sender: Pick<WebhookSender, 'send'>
  secrets: SecretBox
  kinds: Record<WebhookKindName, WebhookKind>
  /** What its principal may now, as the database has it; undefined where it may nothing any more. */
  standing(row: WebhookRow): Promise<Principal | undefined>
  observe(result: WebhookResult): void
  now(): number
  logger: Logger
  bounds?: Partial<WebhookEngineBounds>
}

export interface WebhookEngineBounds {
  /** Attempts under way, to endpoints that fare well, and as many to those that fail. */
  atOnce: number
  /** Messages to one endpoint before it is the turn of another. */
  turn: number
  /** Places are stored so long after the first that changed. */
  commitMs: number
  /** Endpoints are compared with the database, and their principals looked at again. */
  reviewMs: number
}
