/**
 * The latest attempts of each webhook, for people who investigate why something does not arrive. In memory: writing
 * them to disk would cost more than the deliveries.
 */
import { type Fact, factTypes } from '../../contract/event.ts'
import { type WebhookDelivery, webhookBounds } from '../../contract/webhooks.ts'
import { EventView } from '../events/event-view.ts'
import type { Principal } from '../platform/principal.ts'
import type { AttemptMade } from '../webhooks/webhook-kind.ts'

/** Webhooks with logged attempts; past it the one logged first is evicted. */
const maxWebhooks = 1_000
/** Text that looks like a secret, of ours or of others. */
const secrets = /\b(whsec_|rm_|sk[-_]|Bearer\s+|eyJ)[\w+/=.-]{8,}/g

const outcomes = { sent: 'delivered', retry: 'retried', refused: 'abandoned', gone: 'gone' } as const

export class DeliveryLog {
  readonly #attempts = new Map<string, AttemptMade[]>()

  add(webhookId: string, attempt: AttemptMade): void {
    const known = this.#attempts.get(webhookId)
    if (known) {
      if (known.length >= webhookBounds.deliveries) known.shift()
      known.push(attempt)
      return
    }
    this.#attempts.set(webhookId, [attempt])
    for (const oldest of this.#attempts.keys()) {
      if (this.#attempts.size <= maxWebhooks) break
      this.#attempts.delete(oldest)
    }
  }

  forget(webhookId: string): void {
    this.#attempts.delete(webhookId)
  }

  /** Lists attempts whose facts the principal may still see, which may be fewer than were delivered. Newest first. */
  list(webhookId: string, principal: Principal, seesPrivate: boolean): WebhookDelivery[] {
    const view = new EventView(principal, { types: undefined, accounts: undefined })
    const known = (this.#attempts.get(webhookId) ?? []).filter(({ message }) => isSeen(message.body, view))
    return known.map(attempt => shown(attempt, seesPrivate)).reverse()
  }
}

/** Messages about no fact, `gap` and `test`, are for everyone who sees the webhook. */
function isSeen(body: string, view: EventView): boolean {
  const fact = JSON.parse(body) as Fact
  return !factTypes.includes(fact.type) || view.accepts(fact)
}

/** @param seesPrivate Whether responses from inner networks are shown; for administrators only. */
export function shown({ message, outcome, at, durationMs }: AttemptMade, seesPrivate: boolean): WebhookDelivery {
  const { answer } = outcome
  const isShown = answer && (seesPrivate || !answer.isPrivate)
  return {
    id: message.id,
    type: (JSON.parse(message.body) as { type: string }).type,
    at: new Date(at).toISOString(),
    duration_ms: Math.max(0, Math.round(durationMs)),
    outcome: outcomes[outcome.kind],
    fault: outcome.kind === 'sent' ? null : outcome.fault,
    request: {
      headers: {
        'content-type': 'application/json',
        'webhook-id': message.id,
        'webhook-timestamp': String(Math.floor(at / 1_000)),
      },
      body: cut(message.body, webhookBounds.body),
    },
    response: answer
      ? { status: answer.status, body: isShown ? cut(answer.text, webhookBounds.answer).replace(secrets, '$1…') : null }
      : null,
  }
}

function cut(text: string, bytes: number): string {
  const all = Buffer.from(text)
  return all.length <= bytes
    ? text
    : all
        .subarray(0, bytes)
        .toString()
        .replace(/\uFFFD$/, '')
}
