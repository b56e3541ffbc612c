/** The tables of Web Push, as Kysely sees them. */
import type { PushDetails } from '../../contract/push.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    push_subscriptions: PushRow
    push_keys: PushKeyRow
  }
}

/** One browser of a user. */
export interface PushRow {
  id: string
  user_id: string
  /** It goes with the session in which it was asked for. */
  session_id: string
  endpoint: string
  /** Base64url. */
  p256dh: string
  /** Base64url. */
  auth: string
  details: PushDetails
  user_agent: string
  created_at: string
  last_success_at: string | null
  failing_since: string | null
  last_fault: string | null
}

/** The key pair by which push services know this server. There is one. */
export interface PushKeyRow {
  id: number
  /** Base64url, as browsers take it. */
  public_key: string
  private_sealed: string
  created_at: string
}
