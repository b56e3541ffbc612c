/** A user row for tests: an invited viewer who cannot sign in yet, except for what the test overrides. */
import { randomBytes } from 'node:crypto'
import type { UserRow } from '../../server/users/user-tables.ts'

export function aUser(change: Partial<UserRow> = {}): UserRow {
  const id = change.id ?? randomBytes(8).toString('hex')
  return {
    id,
    email: `${id}@example.com`,
    name: 'Anna',
    role: 'viewer',
    accounts: '[]',
    password_hash: null,
    totp_sealed: null,
    totp_last_step: 0,
    oidc_issuer: null,
    oidc_subject: null,
    disabled: 0,
    disabled_by: null,
    created_at: '2026-11-01T08:00:00.000Z',
    updated_at: '2026-11-01T08:00:00.000Z',
    last_seen_at: null,
    ...change,
  }
}
