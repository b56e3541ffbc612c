/** The table of sessions, as Kysely sees it. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    sessions: SessionRow
  }
}

export interface SessionRow {
  id: string
  /** SHA-256 of the cookie's value, hex. */
  token_hash: string
  user_id: string
  method: string
  ip_address: string
  user_agent: string
  created_at: string
  last_seen_at: string
  expires_at: string
}
