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
  /** Created at the first start; empty in ends that an earlier RustyMail sealed. */
  trail_id: string
  /** When the trail was begun, or converted from an earlier form. */
  begun_at: string
  /** Also the count of all entries ever written, since numbers have no gaps. */
  newest: number
  newest_hash: string
  /** Number and hash of the last entry that was pruned; 0 and empty at first. */
  forgotten_to: number
  forgotten_hash: string
  /** The number in `audit.head` when the newest entry was written: the file may not fall behind it. */
  head_number: number
  /** HMAC over the other columns, so that tampering without the secret key is detected. */
  seal: string
}
