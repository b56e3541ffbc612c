/**
 * Reads the current rights of a message's sender, approver and account: at approval, and when the message leaves, which
 * may be a year later.
 */
import { SessionStore } from './access/session-store.ts'
import { AccountStore } from './accounts/account-store.ts'
import type { Sender, SendingAccount } from './approvals/sender-state.ts'
import { keyOf } from './drafts/draft-recipients.ts'
import { aliasesOf } from './drafts/identity-service.ts'
import { IdentityStore } from './drafts/identity-store.ts'
import type { Database } from './platform/database/database.ts'
import { maySeeAccount, type Principal } from './platform/principal.ts'
import { toPrincipal } from './tokens/token-row.ts'
import { TokenStore } from './tokens/token-store.ts'
import { rightsOf } from './users/rights.ts'
import { UserStore } from './users/user-store.ts'

export interface SenderRightsOptions {
  db: Database
  /** True if the environment sets an API key. */
  hasApiKey: boolean
  now(): number
}

const tokenMark = 'token-'
const sessionMark = 'session-'

/** Returns a check that reads the database each time, so that commits of other processes count. */
export function senderRights({ db: ownDb, hasApiKey, now }: SenderRightsOptions) {
  const tokens = new TokenStore(ownDb)
  const users = new UserStore(ownDb)
  return async (sender: Sender, db: Database = ownDb): Promise<boolean> => {
    const { principal_kind: kind, principal_id: id, user_id: userId, account_id: accountId } = sender
    if (kind === 'api_key') return hasApiKey
    if (kind === 'token') {
      const row = await tokens.find(id.slice(tokenMark.length), db)
      if (!row || row.owner_disabled) return false
      const token = toPrincipal(row)
      return (token.endsAt === undefined || now() < token.endsAt) && maySend(token, accountId)
    }
    // The end of a session withdraws nothing: its user may sign in again.
    const user = kind === 'session' && userId !== null ? await users.find(userId, db) : undefined
    return user !== undefined && !user.disabled && maySend(rightsOf(user), accountId)
  }
}

function maySend({ scopes, accounts }: Pick<Principal, 'scopes' | 'accounts'>, accountId: string): boolean {
  return scopes.has('mail:send') && maySeeAccount({ accounts } as Principal, accountId)
}

/**
 * Returns a lookup of users with their current rights, as if signed in; undefined for users who are gone or disabled.
 */
export function approverOf(ownDb: Database) {
  const users = new UserStore(ownDb)
  return async (userId: string, db: Database = ownDb): Promise<Principal | undefined> => {
    const user = await users.find(userId, db)
    if (!user || user.disabled) return undefined
    return { id: `user-${user.id}`, name: user.name, kind: 'session', userId: user.id, ...rightsOf(user) }
  }
}

/**
 * Returns a lookup of a caller with its current rights, for the transaction that decides: it may have waited behind the
 * one that took them away. Undefined if its user or session is gone.
 */
export function deciderOf(ownDb: Database) {
  const findUser = approverOf(ownDb)
  const sessions = new SessionStore(ownDb)
  return async (principal: Principal, db: Database = ownDb): Promise<Principal | undefined> => {
    const { kind, id, userId } = principal
    if (kind !== 'session' || userId === null) return principal
    const user = await findUser(userId, db)
    if (!user || !(await sessions.find(id.slice(sessionMark.length), db))) return undefined
    return { ...principal, scopes: user.scopes, accounts: user.accounts }
  }
}

/** Returns a lookup of accounts as they send now; undefined for an account that is gone. */
export function sendingAccountOf(ownDb: Database) {
  const accounts = new AccountStore(ownDb)
  const identities = new IdentityStore(ownDb)
  return async (accountId: string, db: Database = ownDb): Promise<SendingAccount | undefined> => {
    const row = await accounts.find(accountId, db)
    if (!row) return undefined
    return {
      version: row.updated_at,
      owns: async email => {
        if (keyOf(email) === keyOf(row.email)) return true
        const identity = await identities.find(accountId, db)
        const aliases = identity ? aliasesOf(identity).map(alias => alias.email) : []
        return aliases.some(alias => keyOf(alias) === keyOf(email))
      },
    }
  }
}
