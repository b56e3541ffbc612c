/** Whether those who handed in a message may still send it: asked when it is approved, and when it leaves, which may be a year later. */
import type { Scope } from '../contract/scope.ts'
import type { SubmissionRow } from './outbox/submission-tables.ts'
import type { Database } from './platform/database/database.ts'
import { maySeeAccount, type Principal } from './platform/principal.ts'
import { toPrincipal } from './tokens/token-row.ts'
import { TokenStore } from './tokens/token-store.ts'
import { rightsOf } from './users/rights.ts'
import { UserStore } from './users/user-store.ts'

export type Sender = Pick<SubmissionRow, 'principal_kind' | 'principal_id' | 'user_id' | 'account_id'>

export interface SenderRightsOptions {
  db: Database
  /** The environment has an API key. */
  hasApiKey: boolean
  now(): number
}

const tokenMark = 'token-'

/** Read from the database each time, so that what another process has committed counts. */
export function senderRights({ db: ownDb, hasApiKey, now }: SenderRightsOptions) {
  const tokens = new TokenStore(ownDb)
  const users = new UserStore(ownDb)
  return async (sender: Sender, db: Database = ownDb, scope: Scope = 'mail:send'): Promise<boolean> => {
    const { principal_kind: kind, principal_id: id, user_id: userId, account_id: accountId } = sender
    if (kind === 'api_key') return hasApiKey
    if (kind === 'token') {
      const row = await tokens.find(id.slice(tokenMark.length), db)
      if (!row || row.owner_disabled) return false
      const token = toPrincipal(row)
      return (token.endsAt === undefined || now() < token.endsAt) && mayAct(token, accountId, scope)
    }
    // That a session has ended takes nothing back: its user may sign in again.
    const user = kind === 'session' && userId !== null ? await users.find(userId, db) : undefined
    return user !== undefined && !user.disabled && mayAct(rightsOf(user), accountId, scope)
  }
}

function mayAct(
  { scopes, accounts }: Pick<Principal, 'scopes' | 'accounts'>,
  accountId: string,
  scope: Scope,
): boolean {
  return scopes.has(scope) && maySeeAccount({ accounts } as Principal, accountId)
}
