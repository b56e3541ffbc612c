/** What differs between kinds of webhooks: what their endpoints are told, and how their end is. The delivery is the same for all. */
import type { LogEntry } from '../events/event-log.ts'
import type { EventFilter } from '../events/event-view.ts'
import type { Principal } from '../platform/principal.ts'
import type { WebhookMessage, WebhookOutcome } from './webhook-sender.ts'
import type { WebhookEnding, WebhookRow } from './webhook-tables.ts'

export interface WebhookKind {
  /** Which facts are read for it; its principal sees no others whatever this says. */
  filterOf(row: WebhookRow): EventFilter
  /** Whether order is kept for each account alone, so that one that fails holds up no other. Not unless it says so. */
  isByAccount?(row: WebhookRow): boolean
  /** Whether the principal may still be told of what its endpoint is about; else it ends. */
  isAllowed(row: WebhookRow, principal: Principal): boolean
  /** The same message each time that it is asked for. Undefined where the endpoint is not told of this fact. */
  messageOf(
    row: WebhookRow,
    principal: Principal,
    entry: LogEntry,
    signal: AbortSignal,
  ): Promise<WebhookMessage | undefined>
  /** That facts were pruned before it was told of them. @param number Of the last that is missing. */
  gapOf(row: WebhookRow, number: number): WebhookMessage | undefined
  /** Undefined where an end is told to nobody: then it is only removed. */
  endOf(row: WebhookRow, ending: WebhookEnding): WebhookMessage | undefined
  headersOf(row: WebhookRow): Record<string, string>
  /** What a 410 ends: the one message, or all of them. */
  gone: 'message' | 'endpoint'
  /** An endpoint that has ended stays as it is, and may begin again: its kind is told. Else it is removed. Must not throw. */
  ended?(row: WebhookRow, ending: WebhookEnding): void
  /** Hears of each attempt. Must not throw. */
  attempted?(row: WebhookRow, attempt: AttemptMade): void
}

export interface AttemptMade {
  message: WebhookMessage
  outcome: WebhookOutcome
  /** Epoch milliseconds. */
  at: number
  durationMs: number
}
