/** The tables of Web Push for Kysely. */
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
  /** The session that subscribed; the subscription is deleted with it. */
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

/** The only key pair by which push services identify this server. */
export interface PushKeyRow {
  id: number
  /** Base64url, the form that browsers take. */
  public_key: string
  private_sealed: string
  created_at: string
}
