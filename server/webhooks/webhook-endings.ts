/** What is said where a principal may no longer be told, and who is told of it then. */
import type { Principal } from '../platform/principal.ts'
import type { WebhookEnding, WebhookRow } from './webhook-tables.ts'

export function forbidden(detail: string): WebhookEnding {
  return { why: 'forbidden', detail }
}

/** Sees nothing: only the end is still told. */
export function nobody({ principal_id: id, principal_kind: kind, user_id: userId }: WebhookRow): Principal {
  return { id, name: id, kind, userId, scopes: new Set(), accounts: new Set() }
}
