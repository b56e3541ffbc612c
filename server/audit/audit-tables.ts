/** The tables of the audit trail, as Kysely sees them. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    audit_entries: AuditRow
    audit_chain: AuditChainRow
  }
}

export interface AuditRow {
  number: number
  at: string
  principal_id: string
  principal_name: string
  user_id: string | null
  session_id: string | null
  token_id: string | null
  ip_address: string
  user_agent: string
  operation: string
  effect: string
  account_id: string | null
  /** JSON object. */
  refs: string
  input_digest: string | null
  outcome: string
  status: number
  duration_ms: number
  request_id: string
  hash: string
}

export interface AuditChainRow {
  /** Always 1. */
  id: number
  /** Made at the first start; empty in ends that an earlier RustyMail sealed. */
  trail_id: string
  /** When it was begun, or taken over from an earlier form. */
  begun_at: string
  /** Numbers have no holes, so it is also the count of all that was ever written. */
  newest: number
  newest_hash: string
  /** Number and hash of the last entry that was forgotten by age or count; 0 and empty at first. */
  forgotten_to: number
  forgotten_hash: string
  /** How far `audit.head` had been written when the newest entry was: it may not fall behind that. */
  head_number: number
  /** HMAC over the other columns, so that the ends cannot be moved unseen without the secret key. */
  seal: string
}
