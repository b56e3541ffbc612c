/** The table of mail accounts, as Kysely sees it. */
import type { IndexLevel } from '../../contract/accounts.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    accounts: AccountRow
  }
}

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
  /** Null for the server's default. */
  index_level: IndexLevel | null
  /** Folder paths as JSON; null if there are none. */
  watched_folders: string | null
  /** Null for the default. */
  look_interval_seconds: number | null
  /** Null if the account logs in by password. */
  oauth_provider: string | null
  /** Set together with `oauth_provider`; the sealed passwords are empty then. */
  grant_id: string | null
  created_at: string
  updated_at: string
}
