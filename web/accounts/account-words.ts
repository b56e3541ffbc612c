/** The states of an account and kinds of TLS, in words. */
import type { Account, AccountState, MailServer, TlsKind } from '../../contract/accounts.ts'
import type { Tone } from '../ui/tone.ts'

/** Returns whether its folders can be listed. */
export function isReadable({ state }: Pick<Account, 'state'>): boolean {
  return state === 'ready' || state === 'degraded'
}

type Tries = Pick<Account, 'last_error' | 'next_retry_at'>

export const stateWords: Record<AccountState, { tone: Tone; text: string }> = {
  auth_failed: { tone: 'bad', text: 'Login failed' },
  unreachable: { tone: 'bad', text: 'Unreachable' },
  degraded: { tone: 'warn', text: 'Degraded' },
  connecting: { tone: 'busy', text: 'Connecting' },
  ready: { tone: 'good', text: 'Ready' },
  disabled: { tone: 'unknown', text: 'Disabled' },
}

export const tlsWords: Record<TlsKind, { label: string; short: string; hint: string }> = {
  implicit: {
    label: 'Implicit TLS',
    short: 'TLS',
    hint: 'Encrypted from the start. The usual choice.',
  },
  starttls: {
    label: 'STARTTLS',
    short: 'STARTTLS',
    hint: 'Starts unencrypted and must switch to TLS before the password is sent.',
  },
  none: {
    label: 'No TLS',
    short: 'no TLS',
    hint: 'Unencrypted. Only for a server on this machine.',
  },
}

/**
 * Returns whether it is retried continuously: for an unreachable server, the next retry is due as soon as one fails.
 */
export function isLookedAfter({ last_error: error, next_retry_at: at }: Tries): boolean {
  return error !== null && at !== null && Date.parse(at) <= Date.parse(error.at)
}

export function addressOf({ host, port }: Pick<MailServer, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Returns a server's readable name: only its host unless the port is unusual. */
export function serverName({ host, port }: Pick<MailServer, 'host' | 'port'>): string {
  return port === 993 || port === 143 ? host : addressOf({ host, port })
}

/** Returns what a rejected login waits for. */
export function notRetriedUntil({ auth, last_error: error }: Pick<Account, 'auth' | 'last_error'>): string {
  if (auth.kind === 'oauth' || error?.cause === 'revoked') return 'until someone signs in again'
  return 'until the user, password or server changes'
}
