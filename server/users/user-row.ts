/** A user's row as the contract shows it, and with a change laid over it. */
import { type AccountAccess, Role } from '../../contract/access.ts'
import { DisabledBy, type User } from '../../contract/users.ts'
import { accountsOf } from './rights.ts'
import type { UserRow } from './user-tables.ts'

export interface Invitation {
  email: string
  name: string
  role: Role
  accounts: AccountAccess
}

export interface Reset {
  revoke_tokens: boolean
}

export interface NewAdministrator {
  email: string
  name: string
  password: string
  /** For set-up, which only the first may use. */
  onlyIfNone?: boolean
}

export interface UserChange {
  name?: string | undefined
  role?: Role | undefined
  accounts?: AccountAccess | undefined
  disabled?: boolean | undefined
}

/** What the row itself does not know. */
export interface UserFigures {
  passkeys: number
  sessions: number
  tokens: number
  /** Whether an account is there, and visible to the caller. */
  isSeen: (accountId: string) => boolean
}

export function toUser(row: UserRow, { passkeys, sessions, tokens, isSeen }: UserFigures): User {
  const role = Role.parse(row.role)
  const accounts = accountsOf(row)
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role,
    accounts: accounts === 'all' ? accounts : accounts.filter(isSeen),
    status: statusOf(row, passkeys),
    disabled_by: row.disabled_by === null ? null : DisabledBy.parse(row.disabled_by),
    has_totp: row.totp_sealed !== null,
    passkeys,
    sessions,
    tokens,
    created_at: row.created_at,
    last_seen_at: row.last_seen_at,
  }
}

/** `invited`: there is no way in yet but a link. */
export function statusOf(row: UserRow, passkeys: number): User['status'] {
  if (row.disabled) return 'disabled'
  return row.password_hash === null && row.oidc_subject === null && passkeys === 0 ? 'invited' : 'active'
}

/** A former administrator sees no account unless it is named: `all` is never given in passing. */
export function mergeChange(row: UserRow, change: UserChange, by: DisabledBy): UserRow {
  const role = change.role ?? Role.parse(row.role)
  const stays = row.role === 'administrator' ? [] : accountsOf(row)
  return {
    ...row,
    name: change.name ?? row.name,
    role,
    accounts: writeAccounts(role, change.accounts ?? stays),
    ...mergeDisabled(row, change, by),
  }
}

/** What an administrator has disabled the provider neither enables nor makes its own; the other way round they may both. */
function mergeDisabled(
  { disabled, disabled_by }: UserRow,
  change: UserChange,
  by: DisabledBy,
): Pick<UserRow, 'disabled' | 'disabled_by'> {
  const isTheirs = by === 'provider' && disabled_by === 'administrator'
  if (change.disabled === undefined || isTheirs) return { disabled, disabled_by }
  return change.disabled ? { disabled: 1, disabled_by: by } : { disabled: 0, disabled_by: null }
}

/** As the column holds them: an administrator has all; a list is sorted, each once. */
export function writeAccounts(role: Role, accounts: AccountAccess): string {
  if (role === 'administrator' || accounts === 'all') return JSON.stringify('all')
  return JSON.stringify([...new Set(accounts)].sort())
}

/** Names of what is another than before, as the contract calls them. */
export function changedFields(before: UserRow, after: UserRow): string[] {
  const fields = ['name', 'role', 'accounts', 'disabled', 'disabled_by'] as const
  const changed = fields.filter(field => before[field] !== after[field])
  // `disabled` implies `disabled_by`: the latter is listed only where it alone changed.
  return changed.filter(field => field !== 'disabled_by' || !changed.includes('disabled'))
}
