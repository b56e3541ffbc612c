/** The tables as Kysely sees them: text, integers and reals only, the same on SQLite and PostgreSQL. */

export interface AccountRow {
  id: string
  name: string
  email: string
  imap_host: string
  imap_port: number
  imap_tls: string
  imap_user: string
  imap_password_sealed: string
  smtp_host: string | null
  smtp_port: number | null
  smtp_tls: string | null
  smtp_user: string | null
  smtp_password_sealed: string | null
  is_default: number
  is_sandbox: number
  enabled: number
  created_at: string
  updated_at: string
}

export interface SettingRow {
  name: string
  /** JSON. */
  value: string
  updated_at: string
}

export interface SessionRow {
  id: string
  /** SHA-256 of the cookie's value, hex. */
  token_hash: string
  created_at: string
  last_seen_at: string
  expires_at: string
}

export interface EventRow {
  number: number
  type: string
  account_id: string | null
  /** JSON. */
  data: string
  at: string
}

export interface EventCounterRow {
  /** Always 1: there is one sequence. */
  id: number
  epoch: string
  /** Number of the newest fact. */
  newest: number
}

export interface Tables {
  events: EventRow
  event_counter: EventCounterRow
  accounts: AccountRow
  settings: SettingRow
  sessions: SessionRow
}
