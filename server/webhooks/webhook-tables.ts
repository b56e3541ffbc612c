/** The table of webhook endpoints, as Kysely sees it. */
import type { Principal } from '../platform/principal.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    webhook_endpoints: WebhookRow
    webhook_backlogs: WebhookBacklogRow
  }
}

/** `mcp`: subscriptions of MCP Events; `program`: webhooks of programs. */
export type WebhookKindName = 'mcp' | 'program'

export interface WebhookRow {
  id: string
  kind: WebhookKindName
  principal_kind: Principal['kind']
  principal_id: string
  user_id: string | null
  url: string
  secret_sealed: string
  /** Signs beside the other until `previous_until`. */
  previous_sealed: string | null
  previous_until: string | null
  /** JSON, of its kind. */
  settings: string
  /** Number of the last fact that was taken, or given up. */
  place: number
  created_at: string
  /** When it proved that it wants to be told. */
  verified_at: string
  /** Null for never. */
  expires_at: string | null
  failing_since: string | null
  failures: number
  next_try_at: string | null
  last_success_at: string | null
  last_fault: string | null
  /** JSON of `WebhookEnding`: only that is still told. */
  ending: string | null
}

/** What waits of one account, at an endpoint that keeps order for each account alone. The endpoint itself is past it. */
export interface WebhookBacklogRow
  extends Pick<WebhookRow, 'place' | 'failing_since' | 'failures' | 'next_try_at' | 'last_success_at' | 'last_fault'> {
  endpoint_id: string
  /** Or `noAccount`. */
  account_id: string
}

/** In place of an account: facts of none have an order of their own. */
export const noAccount = ''

/** Why nothing more is delivered. */
export interface WebhookEnding {
  /** `forbidden`: its principal lost the right; `failed`: it accepted nothing for too long; `gone`: it answered 410; `asked`: it was disabled. */
  why: 'forbidden' | 'failed' | 'gone' | 'asked'
  detail: string
}

export function secretContext(id: string): string {
  return `webhook ${id}`
}
