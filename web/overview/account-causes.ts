/** Groups problems of accounts by cause: many accounts on one unreachable mail server have one cause. */
import type { Account } from '../../contract/accounts.ts'
import { serverName } from '../accounts/account-words.ts'
import { formatCount } from '../platform/format.ts'
import { nameApart } from './account-trouble.ts'

export interface Cause {
  /** Stable while the cause persists. */
  key: string
  isBad: boolean
  words: string
  href: string
}

type Kind =
  | 'silent'
  | 'unknown_name'
  | 'tls'
  | 'not_mail'
  | 'full'
  | 'closed_network'
  | 'login'
  | 'revoked'
  | 'sign_in_provider'
  | 'no_idle'
  | 'part'
  | 'no_security'
  | 'flood'
  | 'own_limit'
  | 'full_mailbox'
  | 'nearly_full_mailbox'

const kindOf: Record<NonNullable<Account['last_error']>['cause'], Kind> = {
  dns: 'unknown_name',
  refused: 'silent',
  timeout: 'silent',
  closed: 'silent',
  tls: 'tls',
  not_imap: 'not_mail',
  login: 'login',
  revoked: 'revoked',
  sign_in_provider: 'sign_in_provider',
  limit: 'full',
  private_network: 'closed_network',
  forbidden_address: 'closed_network',
  no_idle: 'no_idle',
  no_starttls: 'no_security',
  starttls_refused: 'no_security',
  login_disabled: 'no_security',
  tls_port: 'no_security',
  plain_port: 'no_security',
  flood: 'flood',
}

const sentences: Record<Kind, (server: string) => string> = {
  silent: server => `${server} does not answer`,
  unknown_name: server => `No server has the name ${server}`,
  tls: server => `${server} offers no secure connection`,
  not_mail: server => `${server} is not a mail server`,
  full: server => `${server} accepts no more connections`,
  closed_network: server => `${server} is on a network that is not allowed`,
  login: server => `${server} rejects the login`,
  revoked: server => `The access to ${server} was revoked or has expired`,
  sign_in_provider: server => `The sign-in for ${server} cannot be refreshed`,
  no_idle: server => `${server} cannot announce new mail`,
  no_security: server => `${server} requires a different TLS setting`,
  flood: server => `${server} sends more than requested`,
  part: server => `${server} works only partially`,
  full_mailbox: server => `A mailbox on ${server} is full`,
  nearly_full_mailbox: server => `A mailbox on ${server} is nearly full`,
  own_limit: () => 'The connection limit leaves accounts unwatched',
}

/** Returns the causes, most accounts first. */
export function accountCauses(accounts: readonly Account[]): Cause[] {
  const groups = new Map<string, { kind: Kind; isBad: boolean; server: string; accounts: Account[] }>()
  const all = accounts.flatMap(account =>
    [troubleOf(account), fullnessOf(account)].map(trouble => ({ account, trouble })),
  )
  for (const { account, trouble } of all) {
    if (!trouble) continue
    // Our own limit is one cause across all servers.
    const server = trouble.kind === 'own_limit' ? '' : serverName(account.imap)
    const key = `${trouble.kind} ${server}`
    const group = groups.get(key) ?? { ...trouble, server, accounts: [] }
    group.isBad ||= trouble.isBad
    group.accounts.push(account)
    groups.set(key, group)
  }
  return [...groups]
    .map(([key, { kind, isBad, server, accounts: members }]) => ({
      key,
      isBad,
      words: `${sentences[kind](server)}: ${membersWords(members, accounts)}`,
      href: kind === 'own_limit' ? '/configuration' : placeOf(members, server),
      weight: members.length,
    }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ weight: _weight, ...cause }) => cause)
}

function troubleOf({ state, last_error: error }: Account): { kind: Kind; isBad: boolean } | undefined {
  if (state === 'auth_failed') return { kind: error?.cause === 'revoked' ? 'revoked' : 'login', isBad: true }
  if (state === 'unreachable') return { kind: error ? kindOf[error.cause] : 'silent', isBad: true }
  if (state !== 'degraded') return undefined
  const kind = error ? kindOf[error.cause] : 'part'
  if (kind === 'full' && error?.server_response === null) return { kind: 'own_limit', isBad: false }
  return { kind: kind === 'full' || kind === 'no_idle' ? kind : 'part', isBad: false }
}

/** Returns the quota problem of an account, in addition to any other: mail to a full mailbox is rejected. */
function fullnessOf({ quota_level: level, enabled }: Account): { kind: Kind; isBad: boolean } | undefined {
  if (!enabled || level === null || level === 'ok') return undefined
  return level === 'full' ? { kind: 'full_mailbox', isBad: true } : { kind: 'nearly_full_mailbox', isBad: false }
}

function membersWords(members: readonly Account[], all: readonly Account[]): string {
  const [only] = members
  return members.length === 1 && only ? `account ${nameApart(only, all)}` : formatCount(members.length, 'account')
}

function placeOf(members: readonly Account[], server: string): string {
  const [only] = members
  return members.length === 1 && only ? `/accounts/${only.id}` : `/accounts?${new URLSearchParams({ q: server })}`
}
