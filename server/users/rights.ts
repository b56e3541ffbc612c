/** The rights of a user by role, and whether one may give as much to another. */
import { AccountAccess, Role } from '../../contract/access.ts'
import type { Scope } from '../../contract/scope.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import type { UserRow } from './user-tables.ts'

export interface Rights {
  readonly scopes: ReadonlySet<Scope>
  readonly accounts: Principal['accounts']
}

/** A user who decides about mail must see it, so operators may read it. */
const scopesOf: Record<Role, ReadonlySet<Scope>> = {
  viewer: scopeSet(['dashboard:read']),
  operator: scopeSet(['dashboard:operate', 'mail:read']),
  administrator: everyScope,
}

/** Throws for a row that this program did not write: rights are never guessed. */
export function rightsOf(user: Pick<UserRow, 'role' | 'accounts'>): Rights {
  const role = Role.parse(user.role)
  const accounts = role === 'administrator' ? 'all' : accountsOf(user)
  return { scopes: scopesOf[role], accounts: accounts === 'all' ? 'all' : new Set(accounts) }
}

/** Returns the accounts named in the row. */
export function accountsOf(user: Pick<UserRow, 'accounts'>): AccountAccess {
  return AccountAccess.parse(JSON.parse(user.accounts))
}

/** Returns true if the holder has all of these rights: nobody gives away, or takes over, more than their own. */
export function hasRights(holder: Rights, { scopes, accounts }: Rights): boolean {
  if (![...scopes].every(scope => holder.scopes.has(scope))) return false
  const held = holder.accounts
  if (held === 'all') return true
  return accounts !== 'all' && [...accounts].every(id => held.has(id))
}
