/** Converts a user's row to the contract's form, and merges changes into it. */
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
  /** True for set-up, which is allowed for the first administrator only. */
  onlyIfNone?: boolean
}

export interface UserChange {
  name?: string | undefined
  role?: Role | undefined
  accounts?: AccountAccess | undefined
  disabled?: boolean | undefined
}

/** Figures that are not in the row. */
export interface UserFigures {
  passkeys: number
  sessions: number
  tokens: number
  /** Returns true if an account exists and is visible to the caller. */
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

/** Returns the status; `invited` means that a link is the only way to sign in yet. */
export function statusOf(row: UserRow, passkeys: number): User['status'] {
  if (row.disabled) return 'disabled'
  return row.password_hash === null && row.oidc_subject === null && passkeys === 0 ? 'invited' : 'active'
}

/** Merges a change; a former administrator sees only named accounts: `all` is never kept implicitly. */
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

/**
 * Merges the disabling: the provider neither enables nor takes over users disabled by an administrator, but an
 * administrator may do both.
 */
function mergeDisabled(
  { disabled, disabled_by }: UserRow,
  change: UserChange,
  by: DisabledBy,
): Pick<UserRow, 'disabled' | 'disabled_by'> {
  const isTheirs = by === 'provider' && disabled_by === 'administrator'
  if (change.disabled === undefined || isTheirs) return { disabled, disabled_by }
  return change.disabled ? { disabled: 1, disabled_by: by } : { disabled: 0, disabled_by: null }
}

/** Returns the column's value: an administrator has all; a list is sorted and without duplicates. */
export function writeAccounts(role: Role, accounts: AccountAccess): string {
  if (role === 'administrator' || accounts === 'all') return JSON.stringify('all')
  return JSON.stringify([...new Set(accounts)].sort())
}

/** Returns the names of changed fields, as in the contract. */
export function changedFields(before: UserRow, after: UserRow): string[] {
  const fields = ['name', 'role', 'accounts', 'disabled', 'disabled_by'] as const
  const changed = fields.filter(field => before[field] !== after[field])
  // `disabled` implies `disabled_by`, which is listed only if it alone changed.
  return changed.filter(field => field !== 'disabled_by' || !changed.includes('disabled'))
}
