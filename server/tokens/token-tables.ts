/** The table of API tokens, as Kysely sees it. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    api_tokens: ApiTokenRow
    token_secrets: TokenSecretRow
  }
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
  /**
   * `OAuthClient` of the contract, as JSON: its secrets are in `token_secrets`, and that of `token_hash` is unknown to
   * anyone.
   */
  oauth_client: string | null
}

/** An access token of a connected client. */
export interface TokenSecretRow {
  /** SHA-256, hex. */
  token_hash: string
  token_id: string
  /** The origin of the server that it was issued for. */
  audience: string
  expires_at: string
}
