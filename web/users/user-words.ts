/** A user's state in words. */
import type { DisabledBy, MadeUser, User, UserActionKind } from '../../contract/users.ts'
import { formatCount } from '../platform/format.ts'
import type { Tone } from '../ui/tone.ts'

export const statusWords: Record<User['status'], { tone: Tone; text: string }> = {
  active: { tone: 'good', text: 'Active' },
  invited: { tone: 'info', text: 'Invited' },
  disabled: { tone: 'unknown', text: 'Disabled' },
}

const actionWords: Record<UserActionKind, string> = { invited: 'invited', reset: 'reset', raised: 'promoted' }

/** Describes what was done to a user and what they have: "Invited, promoted; active, 1 session, 2 API tokens". */
export function madeWords({ deeds, status, sessions, tokens }: MadeUser): string {
  const done = deeds.map(deed => actionWords[deed]).join(', ')
  const now = [
    // For a pending invitation, the deed already says that the user was invited.
    status === 'invited' ? 'invitation not accepted yet' : status,
    ...(sessions > 0 ? [formatCount(sessions, 'open session')] : []),
    ...(tokens > 0 ? [formatCount(tokens, 'API token')] : []),
  ].join(', ')
  return `${done.charAt(0).toUpperCase()}${done.slice(1)}; ${now}`
}

/** Who disabled a user, and so can enable them. */
export const disablerWords: Record<DisabledBy, string> = {
  administrator: 'by an administrator',
  provider: 'by the sign-in provider',
}

/** Describes the second factors of a user. */
export function factorWords({ has_totp: hasTotp, passkeys }: Pick<User, 'has_totp' | 'passkeys'>): string | undefined {
  const factors = [...(hasTotp ? ['authenticator'] : []), ...(passkeys > 0 ? [formatCount(passkeys, 'passkey')] : [])]
  const words = factors.join(', ')
  return words === '' ? undefined : words.charAt(0).toUpperCase() + words.slice(1)
}

/** Returns the last administrator, who cannot be removed; the server enforces it. */
export function lastAdministrator(users: readonly User[]): User | undefined {
  const administrators = users.filter(({ role, status }) => role === 'administrator' && status === 'active')
  return administrators.length === 1 ? administrators[0] : undefined
}
