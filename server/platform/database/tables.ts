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

export interface UserRow {
  id: string
  /** In lower case; it is the name to sign in with. */
  email: string
  name: string
  /** `viewer`, `operator` or `administrator`. */
  role: string
  /** JSON: `"all"` or a list of account ids. */
  accounts: string
  /** PHC string of argon2id; null while invited, or for people who sign in by other means. */
  password_hash: string | null
  /** The authenticator's secret. */
  totp_sealed: string | null
  /** Step of the last code that was taken, so that none is taken twice. */
  totp_last_step: number
  oidc_issuer: string | null
  oidc_subject: string | null
  disabled: number
  /** `administrator` or `provider`; null unless disabled. */
  disabled_by: string | null
  created_at: string
  updated_at: string
  last_seen_at: string | null
}

/** An invitation or a reset: whoever holds the link sets the password. */
export interface UserLinkRow {
  /** SHA-256, hex. */
  token_hash: string
  user_id: string
  expires_at: string
}

export interface RecoveryCodeRow {
  /** SHA-256, hex; the row goes when the code is used. */
  code_hash: string
  user_id: string
}

export interface PasskeyRow {
  /** The credential id, base64url. */
  id: string
  user_id: string
  name: string
  /** COSE, base64url. */
  public_key: string
  counter: number
  /** JSON list. */
  transports: string
  is_backed_up: number
  created_at: string
  last_used_at: string | null
}

export interface ApiTokenRow {
  id: string
  /** SHA-256 of the token, hex. */
  token_hash: string
  prefix: string
  user_id: string
  name: string
  /** JSON list. */
  scopes: string
  /** JSON list of account ids. */
  accounts: string
  /** JSON list of addresses and ranges. */
  allowed_addresses: string
  created_at: string
  expires_at: string | null
  last_used_at: string | null
  last_used_address: string | null
}

/** Somebody or something did something to a user that outlives them. */
export interface MadeUserRow {
  /** `token-…`, `user-…` or `api-key`. */
  maker: string
  /** Whose token or session it was. */
  maker_user_id: string | null
  /** `invited`, `reset` or `raised`. */
  deed: string
  user_id: string
  at: string
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

/** One row, written to know whether the database takes writes. */
export interface WriteProbeRow {
  id: number
  at: string
  filler: string
}

/** How far a folder has been read: everything below `uid_next` is announced, or was there before. */
export interface FolderStateRow {
  account_id: string
  path: string
  /** Login and server that the position belongs to. */
  mailbox: string
  uid_validity: number
  uid_next: number
  updated_at: string
}

export interface Tables {
  events: EventRow
  event_counter: EventCounterRow
  accounts: AccountRow
  settings: SettingRow
  sessions: SessionRow
  users: UserRow
  user_links: UserLinkRow
  recovery_codes: RecoveryCodeRow
  passkeys: PasskeyRow
  api_tokens: ApiTokenRow
  made_users: MadeUserRow
  audit_entries: AuditRow
  audit_chain: AuditChainRow
  write_probe: WriteProbeRow
  folder_states: FolderStateRow
}
