/** Subscriptions of MCP Events as webhooks: the messages of an endpoint, in the form of the extension. */
import { createHash } from 'node:crypto'
import type { LogEntry } from '../events/event-log.ts'
import type { EventFilter } from '../events/event-view.ts'
import type { Principal } from '../platform/principal.ts'
import type { WebhookKind } from '../webhooks/webhook-kind.ts'
import type { WebhookMessage } from '../webhooks/webhook-sender.ts'
import type { WebhookEnding, WebhookRow } from '../webhooks/webhook-tables.ts'
import type { EventGate } from './event-gate.ts'
import type { EventProjector } from './event-projector.ts'
import { type EventReading, filterOf, isBefore } from './event-reading.ts'
import type { RequestedEvent } from './event-types.ts'
import { control, controlId, errorOf, forbidden, subscriptionHeader } from './events-wire.ts'

/** Settings stored with an endpoint, beside the columns of the delivery. */
export interface SubscriptionSettings {
  asked: RequestedEvent
  /** Older facts are left out. */
  floor?: string | undefined
}

export interface McpWebhooksOptions {
  reading: EventReading
  projector: EventProjector
  gate: EventGate
}

/** SEP-3415, "Delivery profile". */
const maxBodyBytes = 256 * 1024

export class McpWebhooks implements WebhookKind {
  /** SEP-3415, "Delivery model": a 410 does not affect the subscription itself. */
  readonly gone = 'message'
  readonly #options: McpWebhooksOptions

  constructor(options: McpWebhooksOptions) {
    this.#options = options
  }

  filterOf(row: WebhookRow): EventFilter {
    return filterOf(settingsOf(row).asked)
  }

  isAllowed(row: WebhookRow, principal: Principal): boolean {
    const { asked } = settingsOf(row)
    const { account } = asked.arguments
    const sees = account === undefined || principal.accounts === 'all' || principal.accounts.has(account)
    return sees && this.#options.gate.isOpen(principal, asked.name)
  }

  async messageOf(
    row: WebhookRow,
    principal: Principal,
    entry: LogEntry,
    signal: AbortSignal,
  ): Promise<WebhookMessage | undefined> {
    const { reading, projector, gate } = this.#options
    const { asked, floor } = settingsOf(row)
    if (isBefore(entry, floor)) return undefined
    const event = await projector.project(asked, principal, entry, signal)
    if (!event) return undefined
    await gate.show(principal, event)
    const body = JSON.stringify({ ...event, cursor: reading.cursorOf(entry.number) })
    return Buffer.byteLength(body) <= maxBodyBytes ? { id: event.eventId, body } : undefined
  }

  gapOf({ id, place }: WebhookRow, number: number): WebhookMessage {
    const unique = createHash('sha256').update(`${id} ${place}`).digest('hex').slice(0, 24)
    return { id: controlId('gap', unique), body: control.gap(this.#options.reading.cursorOf(number)) }
  }

  endOf({ id, place }: WebhookRow, { detail }: WebhookEnding): WebhookMessage {
    const unique = createHash('sha256').update(`${id} ${place} end`).digest('hex').slice(0, 24)
    return { id: controlId('terminated', unique), body: control.terminated(errorOf(forbidden(detail))) }
  }

  headersOf({ id }: WebhookRow): Record<string, string> {
    return { [subscriptionHeader]: id }
  }
}

/** Parses settings that this program wrote. */
export function settingsOf({ settings }: Pick<WebhookRow, 'settings'>): SubscriptionSettings {
  return JSON.parse(settings) as SubscriptionSettings
}
