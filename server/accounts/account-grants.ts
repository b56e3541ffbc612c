/**
 * PORT: what accounts need from OAuth2 grants by which some of them log in. Provided by the composition root, since
 * grants are on a higher floor than accounts.
 */
import type { AccountAuth } from '../../contract/accounts.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'

export interface WantedToken {
  grantId: string
  part: 'imap' | 'smtp'
  /** The host that receives the token, which must be a server of the provider. */
  host: string
  /** The token that this server has just rejected. */
  rejected?: string | undefined
}

export interface AccountGrants {
  /**
   * Returns a valid access token, refreshed if due. @throws Problem mail_login_refused if the grant was revoked or has
   * expired.
   */
  accessToken(wanted: WantedToken): Promise<string>
  /**
   * Returns the provider of a grant that this caller signed in for, and that no account uses yet. @throws Problem
   * oauth_grant_not_found.
   */
  providerOf(principal: Principal, grantId: string): Promise<string>
  /** Binds the grant to the account. @throws Problem oauth_grant_not_found if another account was faster. */
  bind(transaction: Database, grantId: string, accountId: string): Promise<void>
  /**
   * Deletes the grant. @returns A function that also revokes it at the provider, to be called after the commit; it
   * never fails.
   */
  release(transaction: Database, grantId: string): Promise<() => void>
}

/** The access that a user who signed in for an account obtained. */
export interface NewAccess {
  auth: AccountAuth
  accessToken: string
  /** True if the provider vouches that it is the person of the previous grant. */
  isSamePerson: boolean
  /** @throws Problem if the host is not one of the provider's servers. */
  checkHosts(part: 'imap' | 'smtp', host: string): void
  /** Stores the grant in the transaction of the account. */
  keep(transaction: Database): Promise<void>
}

/** PORT: for accounts from another server, where their grants stay behind. */
export interface MissingGrants {
  /** Records, in the transaction of the account, that a user has to sign in at the provider again. */
  miss(
    transaction: Database,
    grant: { id: string; provider: string; accountId: string; isSending: boolean },
  ): Promise<void>
}

export function noGrant(): Problem {
  return new Problem('oauth_grant_not_found', 'There is no such grant that waits for its account. Sign in again.')
}
