/** How an endpoint ends when its principal loses access. */
import type { Principal } from '../platform/principal.ts'
import type { WebhookEnding, WebhookRow } from './webhook-tables.ts'

export function forbidden(detail: string): WebhookEnding {
  return { why: 'forbidden', detail }
}

/** Returns a principal that sees nothing, for an endpoint that is sent only its end. */
export function nobody({ principal_id: id, principal_kind: kind, user_id: userId }: WebhookRow): Principal {
  return { id, name: id, kind, userId, scopes: new Set(), accounts: new Set() }
}
