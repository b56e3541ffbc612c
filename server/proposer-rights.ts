/** Checks whether a token still has the rights that its proposal requires: when it is applied, and while it waits. */
import type { Scope } from '../contract/scope.ts'
import type { Database } from './platform/database/database.ts'
import { maySeeAccount } from './platform/principal.ts'
import type { ProposalRow } from './proposals/proposal-tables.ts'
import { toPrincipal } from './tokens/token-row.ts'
import { TokenStore } from './tokens/token-store.ts'

export type Proposer = Pick<ProposalRow, 'principal_kind' | 'principal_id' | 'account_id'>

export interface ProposerRightsOptions {
  db: Database
  /** True if the environment sets an API key. */
  hasApiKey: boolean
  now(): number
}

const tokenMark = 'token-'

/** Returns a check that reads the database each time, so that commits of other processes count. */
export function proposerRights({ db, hasApiKey, now }: ProposerRightsOptions) {
  return async (
    { principal_kind: kind, principal_id: id, account_id: accountId }: Proposer,
    scope: Scope,
    transaction: Database = db,
  ) => {
    const tokens = new TokenStore(transaction)
    if (kind === 'api_key') return hasApiKey
    const row = kind === 'token' ? await tokens.find(id.slice(tokenMark.length)) : undefined
    if (!row || row.owner_disabled) return false
    const token = toPrincipal(row)
    const hasEnded = token.endsAt !== undefined && now() >= token.endsAt
    return !hasEnded && token.scopes.has(scope) && maySeeAccount(token, accountId)
  }
}
