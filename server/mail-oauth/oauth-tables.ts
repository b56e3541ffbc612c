/** The tables of OAuth2 for mail accounts, as Kysely sees them. */

import type { OAuthUse } from '../../contract/mail-oauth.ts'
import { isoOf } from '../platform/timer-clock.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    oauth_clients: OAuthClientRow
    oauth_grants: OAuthGrantRow
  }
}

/** This server's client at a provider. */
export interface OAuthClientRow {
  /** The id of the provider. */
  id: string
  client_id: string
  /** Null for a public client. */
  secret_sealed: string | null
  /** Microsoft's tenant. */
  tenant: string | null
  /** A provider that is not built in, as JSON. */
  custom: string | null
  set_by: string
  set_at: string
}

/** The access that a user granted by signing in. */
export interface OAuthGrantRow {
  id: string
  provider: string
  /** Null while it waits for its account. */
  account_id: string | null
  /** The principal or user whose sessions and tokens may connect an account with it. */
  made_by: string
  granted_by: string
  granted_at: string
  use_for: OAuthUse
  /** The granted scopes, separated by spaces. */
  scopes: string
  /** The user who signed in, if the provider says. */
  subject: string | null
  /** Null if the provider issued none. */
  refresh_sealed: string | null
  access_sealed: string
  access_expires_at: string | null
  refreshed_at: string
  /** 1 once anything has logged in with this access token. */
  is_used: number
  /** When it is refreshed ahead, without a login. */
  refresh_at: string | null
  state: 'active' | 'revoked'
  /** The reason in words. */
  failure: string | null
  /** The process that refreshes it now. */
  locked_by: string | null
  locked_until: string | null
}

export function clientSealContext(providerId: string): string {
  return `oauth client ${providerId}`
}

export function tokenSealContext(grantId: string, kind: 'refresh' | 'access'): string {
  return `oauth grant ${grantId} ${kind}`
}

/** Returns true if a process refreshes it at this moment. @param now Epoch milliseconds. */
export function isLocked({ locked_by, locked_until }: OAuthGrantRow, now: number): boolean {
  return locked_by !== null && locked_until !== null && locked_until >= isoOf(now)
}
