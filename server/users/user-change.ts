/**
 * Writes a user inside a transaction of the hub: announced if anything changed, and one administrator always remains.
 */
import { randomBytes } from 'node:crypto'
import { Role } from '../../contract/access.ts'
import type { Fact } from '../../contract/event.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { type Rights, rightsOf } from './rights.ts'
import { changedFields } from './user-row.ts'
import type { UserStore } from './user-store.ts'
import type { UserRow } from './user-tables.ts'

export interface Writing {
  store: UserStore
  transaction: Database
  publish: (fact: Fact) => void
  /** The time of the change, as stored. */
  at: string
}

export type WantedUser = Pick<UserRow, 'email' | 'name' | 'role' | 'accounts' | 'disabled' | 'disabled_by'>

const maxUsers = 1000

/**
 * Returns the rights of the caller by now: its transaction may have waited behind the one that disabled or demoted its
 * user, who could otherwise undo that. @throws Problem if its user may no longer administer users.
 */
export async function rightsByNow(principal: Principal, { store, transaction }: Writing): Promise<Rights> {
  if (principal.userId === null) return principal
  const user = await store.find(principal.userId, transaction)
  if (!user || user.disabled) throw new Problem('unauthorized', 'Your account here was closed.')
  const { scopes, accounts } = rightsOf(user)
  const scope = 'dashboard:admin'
  if (!scopes.has(scope)) throw new Problem('forbidden', `This requires the scope ${scope}.`, { missing_scope: scope })
  // A token may have fewer rights than its owner; administrators see all accounts.
  const held = new Set([...principal.scopes].filter(each => scopes.has(each)))
  return { scopes: held, accounts: accounts === 'all' ? principal.accounts : accounts }
}

export async function addUser(wanted: WantedUser, { store, transaction, publish, at }: Writing): Promise<UserRow> {
  if ((await store.count(transaction)) >= maxUsers) {
    throw new Problem('too_many_users', `There are already ${maxUsers} users; delete some that are not needed.`)
  }
  const none = { password_hash: null, totp_sealed: null, totp_last_step: 0, oidc_issuer: null, oidc_subject: null }
  const times = { created_at: at, updated_at: at, last_seen_at: null }
  const row = { id: randomBytes(8).toString('hex'), ...wanted, ...none, ...times }
  await store.insert(row, transaction)
  publish({ type: 'user_added', data: named(row) })
  return row
}

/** Throws if it would lock out the last administrator. A no-op if nothing changed. */
export async function changeUser(before: UserRow, wanted: WantedUser, writing: Writing): Promise<UserRow> {
  const { store, transaction, publish, at } = writing
  const after = { ...before, ...wanted, updated_at: at }
  const changed = changedFields(before, after)
  if (changed.length === 0) return before
  await leaveOneAdministrator(writing, () => store.update(before.id, after, transaction))
  publish({ type: 'user_updated', data: { ...named(after), changed } })
  return after
}

/**
 * Rolls the work back, by throwing, if no administrator who can sign in would remain. Valid only in a transaction of
 * the hub, since those are serialised.
 */
export async function leaveOneAdministrator(
  { store, transaction }: Pick<Writing, 'store' | 'transaction'>,
  work: () => Promise<void>,
): Promise<void> {
  const before = await store.countAdministrators(transaction)
  await work()
  if (before === 0 || (await store.countAdministrators(transaction)) > 0) return
  throw lastAdministrator()
}

export function lastAdministrator(): Problem {
  const detail = 'This is the only administrator who can sign in. Make another user an administrator first.'
  return new Problem('last_administrator', detail)
}

/** Returns the fields by which facts name a user. */
export function named({ id, name, email, role, updated_at }: UserRow) {
  return { user_id: id, name, email, role: Role.parse(role), at: updated_at }
}
