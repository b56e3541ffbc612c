/** Describes each fact of the stream in one sentence. */
import type { AccountState } from '../../contract/accounts.ts'
import type { EventOf, Fact, ServerEvent } from '../../contract/event.ts'
import { stateWords } from '../accounts/account-words.ts'
import { nameOf as senderOf } from '../mail/address-words.ts'
import { agentWords } from '../platform/agent-words.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { roleWords } from '../platform/role-words.ts'
import { visibleText } from '../platform/visible-text.ts'
import { actingWords } from './acting-words.ts'
import type { Change, Named, SayChange } from './change.ts'
import { fieldWords } from './field-words.ts'

type Words = { [T in Fact['type']]: SayChange<T> }

export type { Change, Named } from './change.ts'

const why = { idle: 'idle', kicked: 'disconnected by an administrator', crowded: 'too many clients' } as const

const stateSentence: Record<AccountState, string> = {
  auth_failed: 'cannot log in',
  unreachable: 'cannot be reached',
  degraded: 'works only partially',
  connecting: 'is being connected',
  ready: 'is ready',
  disabled: 'was disabled',
}

const quotaSentence = { ok: 'has room again', nearly_full: 'is nearly full', full: 'is full' } as const
const quotaTone = { ok: 'good', nearly_full: 'warn', full: 'bad' } as const

const words: Words = {
  server_started: data => ({ tone: 'info', text: `RustyMail ${data.version} started` }),
  client_connected: data => ({
    tone: 'info',
    text: `${agentWords(data.user_agent)} connected from ${data.ip_address}`,
    href: clientsAt(data.ip_address),
  }),
  client_disconnected: data => ({
    tone: 'unknown',
    text: `${agentWords(data.user_agent)} from ${data.ip_address} was removed: ${why[data.reason]}`,
    href: clientsAt(data.ip_address),
  }),
  configuration_updated: data => ({
    tone: 'info',
    text: `${data.principal} changed the configuration: ${fieldWords(data.changed)}`,
    href: '/configuration',
  }),
  account_added: data => ({ tone: 'good', text: `Account ${data.name} was added`, href: accountAt(data.account_id) }),
  account_updated: data => ({
    tone: 'info',
    text: `Account ${data.name} was changed: ${fieldWords(data.changed)}`,
    href: accountAt(data.account_id),
  }),
  account_removed: data => ({ tone: 'warn', text: `Account ${data.name} was removed` }),
  account_state_changed: data => ({
    tone: stateWords[data.state].tone === 'busy' ? 'info' : stateWords[data.state].tone,
    text: `Account ${data.name} ${stateSentence[data.state]}`,
    ...(data.last_error && data.state !== 'ready' ? { detail: data.last_error.detail } : {}),
    href: accountAt(data.account_id),
  }),
  quota_changed: (data, nameOf) => ({
    tone: quotaTone[data.level],
    text: `The mailbox of ${nameOf(data.account_id)} ${quotaSentence[data.level]}`,
    ...(data.percent === null || data.level === 'ok' ? {} : { detail: `${data.percent} % are taken` }),
    href: accountAt(data.account_id),
  }),
  mail_received: (data, nameOf) => {
    const detail = mailWords(data)
    return {
      tone: 'good',
      text: `New mail in ${placeOf(data, nameOf)}`,
      ...(detail === undefined ? {} : { detail }),
      href: mailAt(data),
    }
  },
  mail_changed: (data, nameOf) => ({
    tone: 'unknown',
    text: `${formatCount(data.messages.length, 'message')} changed in ${placeOf(data, nameOf)}`,
    href: mailAt(data),
  }),
  mail_removed: (data, nameOf) => ({
    tone: 'unknown',
    text: `${formatCount(data.messages.length, 'message')} of ${nameOf(data.account_id)} ${data.messages.length === 1 ? 'was' : 'were'} deleted`,
  }),
  folder_changed: (data, nameOf) => ({
    tone: 'unknown',
    text: `Folder ${data.folder} of ${nameOf(data.account_id)} ${folderSentence(data)}`,
    href: mailAt(data),
  }),
  ...actingWords,
  alert_raised: data => ({
    tone: data.severity === 'info' ? 'info' : data.severity === 'warning' ? 'warn' : 'bad',
    text: data.detail,
    href: data.alert === 'rule' ? '/alerts' : '/system',
  }),
  alert_cleared: data => ({
    tone: 'good',
    text: data.detail
      ? `Cleared: ${data.detail}`
      : data.alert === 'disk_low'
        ? 'The database has free disk space again'
        : 'The database accepts writes again',
    href: data.alert === 'rule' ? '/alerts' : '/system',
  }),
  webhook_disabled: data => ({
    tone: 'warn',
    text: `The webhook ${data.name} was disabled: ${data.detail}`,
    href: '/tokens/webhooks',
  }),
  token_created: data => ({ tone: 'info', text: `API token ${data.name} was created`, href: '/tokens' }),
  token_updated: data => ({
    tone: 'info',
    text: `API token ${data.name} was changed: ${fieldWords(data.changed)}`,
    href: '/tokens',
  }),
  token_revoked: data => ({ tone: 'warn', text: `API token ${data.name} was revoked` }),
  user_added: data => ({
    tone: 'info',
    text: `${data.name} (${data.email}) was added as ${roleWords[data.role].label.toLowerCase()}`,
    href: '/users',
  }),
  user_updated: data => ({
    tone: 'info',
    text: `${data.name} (${data.email}) was changed: ${fieldWords(data.changed)}`,
    href: '/users',
  }),
  user_removed: data => ({ tone: 'warn', text: `${data.name} (${data.email}) was removed` }),
}

type Mail = EventOf<'mail_received'>['data']
type NameOf = (accountId: string) => string

/** Returns the account, with the folder unless it is INBOX. */
export function placeOf({ folder, account_id: id }: Pick<Mail, 'folder' | 'account_id'>, nameOf: NameOf): string {
  return folder === 'INBOX' ? nameOf(id) : `${folder} of ${nameOf(id)}`
}

/** Returns sender and subject; undefined if the server did not send them. */
export function mailWords({ from, subject }: Pick<Mail, 'from' | 'subject'>): string | undefined {
  if (!from && (subject ?? null) === null) return undefined
  const words = visibleText(subject?.trim() ?? '') || '(no subject)'
  return `${from ? senderOf(from) : 'Unknown sender'}: ${words}`
}

function folderSentence({ event, old_path: from, added, changed, removed }: EventOf<'folder_changed'>['data']): string {
  if (event === 'created') return 'was created'
  if (event === 'renamed') return `was renamed from ${from}`
  if (event === 'gone') return 'was removed'
  if (event === 'cleared') return 'was recreated'
  const said = [
    [added, 'new'],
    [changed, 'changed'],
    [removed, 'removed'],
  ] as const
  return `has ${said.flatMap(([count, word]) => (count > 0 ? [`${formatNumber(count)} ${word}`] : [])).join(', ') || 'no changes'}`
}

function mailAt({ account_id: account, folder, ref }: Pick<Mail, 'account_id' | 'folder' | 'ref'>): string {
  const place = new URLSearchParams({ account, folder, ...(ref === undefined ? {} : { message: ref }) })
  return `/mail?${place}`
}

function accountAt(accountId: string): string {
  return `/accounts/${accountId}`
}

function clientsAt(address: string): string {
  return `/clients?${new URLSearchParams({ filter: address })}`
}

/** Describes an event; undefined if it is not a fact, or one of a newer server. */
export function changeOf(event: ServerEvent, accounts: readonly Named[]): Change | undefined {
  if (!isFact(event)) return undefined
  const nameOf = (accountId: string) => nameIn(accounts, accountId)
  // The cast is true because table key and data share the event's type, which TypeScript cannot follow through the
  // lookup.
  const say = words[event.type] as (data: Fact['data'], nameOf: (accountId: string) => string) => Omit<Change, 'at'>
  return { ...say(event.data, nameOf), at: event.data.at }
}

export function nameIn(accounts: readonly Named[], accountId: string): string {
  return accounts.find(({ id }) => id === accountId)?.name ?? 'an account'
}

export function isFact(event: ServerEvent): event is Fact {
  return Object.hasOwn(words, event.type)
}
