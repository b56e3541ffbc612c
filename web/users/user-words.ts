/** What a user is and has, in words. */
import type { DisabledBy, User } from '../../contract/users.ts'
import { formatCount } from '../platform/format.ts'
import type { Tone } from '../ui/tone.ts'

export const statusWords: Record<User['status'], { tone: Tone; text: string }> = {
  active: { tone: 'good', text: 'Active' },
  invited: { tone: 'info', text: 'Invited' },
  disabled: { tone: 'unknown', text: 'Disabled' },
}

/** Who disabled somebody, and so who can undo it. */
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

/** The one without whom nobody could administer; the server has the last word. */
export function lastAdministrator(users: readonly User[]): User | undefined {
  const administrators = users.filter(({ role, status }) => role === 'administrator' && status === 'active')
  return administrators.length === 1 ? administrators[0] : undefined
}
