/** The tables of webhook endpoints for Kysely. */
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
  /** The replaced secret, which signs as well until `previous_until`. */
  previous_sealed: string | null
  previous_until: string | null
  /** JSON, whose form depends on the kind. */
  settings: string
  /** Number of the last fact that was accepted or given up. */
  place: number
  created_at: string
  /** When the endpoint last proved that it wants messages. */
  verified_at: string
  /** Null if it does not expire. */
  expires_at: string | null
  failing_since: string | null
  failures: number
  next_try_at: string | null
  last_success_at: string | null
  last_fault: string | null
  /** `WebhookEnding` as JSON: only the end is still delivered. */
  ending: string | null
}

/** Waiting facts of one account, at an endpoint that keeps order per account. The endpoint itself is past them. */
export interface WebhookBacklogRow
  extends Pick<WebhookRow, 'place' | 'failing_since' | 'failures' | 'next_try_at' | 'last_success_at' | 'last_fault'> {
  endpoint_id: string
  /** Account id, or `noAccount`. */
  account_id: string
}

/** Stands for facts without an account, which have an order of their own. */
export const noAccount = ''

/** Why an endpoint has ended. */
export interface WebhookEnding {
  /**
   * `forbidden`: its principal lost access; `failed`: it accepted nothing for too long; `gone`: it answered 410;
   * `asked`: it was disabled.
   */
  why: 'forbidden' | 'failed' | 'gone' | 'asked'
  detail: string
}

export function secretContext(id: string): string {
  return `webhook ${id}`
}
