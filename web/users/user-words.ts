/** What a user is and has, in words. */
import type { DisabledBy, MadeDeed, MadeUser, User } from '../../contract/users.ts'
import { formatCount } from '../platform/format.ts'
import type { Tone } from '../ui/tone.ts'

export const statusWords: Record<User['status'], { tone: Tone; text: string }> = {
  active: { tone: 'good', text: 'Active' },
  invited: { tone: 'info', text: 'Invited' },
  disabled: { tone: 'unknown', text: 'Disabled' },
}

const deedWords: Record<MadeDeed, string> = { invited: 'invited', reset: 'reset', raised: 'promoted' }

/** What was done to somebody, and what they have open: "Invited, promoted; active, 1 session, 2 API tokens". */
export function madeWords({ deeds, status, sessions, tokens }: MadeUser): string {
  const done = deeds.map(deed => deedWords[deed]).join(', ')
  const now = [
    // An invitation that was not taken is said by what was done.
    status === 'invited' ? 'invitation not accepted yet' : status,
    ...(sessions > 0 ? [formatCount(sessions, 'open session')] : []),
    ...(tokens > 0 ? [formatCount(tokens, 'API token')] : []),
  ].join(', ')
  return `${done.charAt(0).toUpperCase()}${done.slice(1)}; ${now}`
}

/** Who disabled a user, and thereby who can enable them. */
export const disablerWords: Record<DisabledBy, string> = {
  administrator: 'by an administrator',
  provider: 'by the sign-in provider',
}

/** What somebody needs beside, or instead of, a password. */
export function factorWords({ has_totp: hasTotp, passkeys }: Pick<User, 'has_totp' | 'passkeys'>): string | undefined {
  const factors = [...(hasTotp ? ['authenticator'] : []), ...(passkeys > 0 ? [formatCount(passkeys, 'passkey')] : [])]
  const words = factors.join(', ')
  return words === '' ? undefined : words.charAt(0).toUpperCase() + words.slice(1)
}

/** The last administrator, who cannot be removed; the server decides. */
export function lastAdministrator(users: readonly User[]): User | undefined {
  const administrators = users.filter(({ role, status }) => role === 'administrator' && status === 'active')
  return administrators.length === 1 ? administrators[0] : undefined
}
