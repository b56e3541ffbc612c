/**
 * What differs between kinds of webhooks: the messages of their endpoints, and how they end. Delivery is the same for
 * all.
 */
import type { LogEntry } from '../events/event-log.ts'
import type { EventFilter } from '../events/event-view.ts'
import type { Principal } from '../platform/principal.ts'
import type { WebhookMessage, WebhookOutcome } from './webhook-sender.ts'
import type { WebhookEnding, WebhookRow } from './webhook-tables.ts'

export interface WebhookKind {
  /** Returns the facts that are read for the endpoint; its principal's rights narrow them further. */
  filterOf(row: WebhookRow): EventFilter
  /** Whether order is kept per account, so that a failing one delays no other. False by default. */
  isByAccount?(row: WebhookRow): boolean
  /** Whether the principal may still read what its endpoint is about; otherwise the endpoint ends. */
  isAllowed(row: WebhookRow, principal: Principal): boolean
  /** Builds the message of a fact, the same each time; undefined if the fact is not for this endpoint. */
  messageOf(
    row: WebhookRow,
    principal: Principal,
    entry: LogEntry,
    signal: AbortSignal,
  ): Promise<WebhookMessage | undefined>
  /** Builds the message that facts were pruned before they were delivered. @param number The last missing fact. */
  gapOf(row: WebhookRow, number: number): WebhookMessage | undefined
  /** Builds the message that the endpoint has ended; undefined to remove it without a message. */
  endOf(row: WebhookRow, ending: WebhookEnding): WebhookMessage | undefined
  headersOf(row: WebhookRow): Record<string, string>
  /** What a 410 response ends: the one message, or the endpoint. */
  gone: 'message' | 'endpoint'
  /**
   * If present, an endpoint that has ended is kept so that it can be restarted, and this is called; otherwise it is
   * removed. Must not throw.
   */
  ended?(row: WebhookRow, ending: WebhookEnding): void
  /** Called after each attempt. Must not throw. */
  attempted?(row: WebhookRow, attempt: AttemptMade): void
}

export interface AttemptMade {
  message: WebhookMessage
  outcome: WebhookOutcome
  /** Epoch milliseconds. */
  at: number
  durationMs: number
}
