/** The tables of users and their ways to sign in, as Kysely sees them. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    users: UserRow
    user_links: UserLinkRow
    recovery_codes: RecoveryCodeRow
    passkeys: PasskeyRow
    made_users: MadeUserRow
  }
}

export interface UserRow {
  id: string
  /** The name to sign in with, in lower case. */
  email: string
  name: string
  /** `viewer`, `operator` or `administrator`. */
  role: string
  /** JSON: `"all"` or a list of account ids. */
  accounts: string
  /** PHC string of argon2id; null while invited, or for users who sign in by other means. */
  password_hash: string | null
  /** The authenticator's secret. */
  totp_sealed: string | null
  /** The time step of the last accepted code, so that none is accepted twice. */
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

/** An invitation or a reset: anyone who holds the link sets the password. */
export interface UserLinkRow {
  /** SHA-256, hex. */
  token_hash: string
  user_id: string
  expires_at: string
}

export interface RecoveryCodeRow {
  /** SHA-256, hex; the row is deleted when the code is used. */
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

/** A deed by which a person or token made or raised a user; the record outlives its maker. */
export interface MadeUserRow {
  /** `token-…`, `user-…` or `api-key`. */
  maker: string
  /** The user of that token or session. */
  maker_user_id: string | null
  /** `invited`, `reset` or `raised`. */
  deed: string
  user_id: string
  at: string
}
