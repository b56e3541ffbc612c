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

export interface Tables {
  accounts: AccountRow
  settings: SettingRow
  sessions: SessionRow
}
