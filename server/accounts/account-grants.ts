/** PORT: what accounts ask of the OAuth2 grants by which some of them log in. Given by the composition root, since grants stand above accounts. */
import type { AccountAuth } from '../../contract/accounts.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'

export interface WantedToken {
  grantId: string
  part: 'imap' | 'smtp'
  /** Where it is to be sent: to servers of the provider alone. */
  host: string
  /** Rejected by that server just now. */
  rejected?: string | undefined
}

export interface AccountGrants {
  /** Refreshed first where that is due. @throws Problem mail_login_refused for access that was revoked or has expired. */
  accessToken(wanted: WantedToken): Promise<string>
  /** The provider of a grant that this caller signed in for, and that no account has yet. @throws Problem oauth_grant_not_found. */
  providerOf(principal: Principal, grantId: string): Promise<string>
  /** From here on it is the account's. @throws Problem oauth_grant_not_found where another account was faster. */
  bind(transaction: Database, grantId: string, accountId: string): Promise<void>
  /** Deletes it. @returns Revokes it at its provider as well, once the transaction is committed: owned by the grants, and never fails. */
  release(transaction: Database, grantId: string): Promise<() => void>
}

/** What somebody who signed in for an account has got for it. */
export interface NewAccess {
  auth: AccountAuth
  accessToken: string
  /** By the provider's word, the person of the grant before. */
  isSamePerson: boolean
  /** @throws Problem for a server that is not one of the provider's. */
  checkHosts(part: 'imap' | 'smtp', host: string): void
  /** Keeps the grant, in the transaction of the account. */
  keep(transaction: Database): Promise<void>
}

/** PORT: for accounts that come from another server, where what they were granted stays. */
export interface MissingGrants {
  /** Keeps, in the transaction of the account, that somebody has to sign in at the provider again. */
  miss(
    transaction: Database,
    grant: { id: string; provider: string; accountId: string; isSending: boolean },
  ): Promise<void>
}

export function noGrant(): Problem {
  return new Problem('oauth_grant_not_found', 'There is no such grant that waits for its account. Sign in again.')
}
