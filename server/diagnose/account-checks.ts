/**
 * Checks of what this server knows about an account without asking a mail server: state, index, connections and
 * history.
 */
import type { Account, AccountStretches } from '../../contract/accounts.ts'
import type { EventOf } from '../../contract/event.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { type Check, type Finding, skipped, toCheck } from './check.ts'
import { providerUnreachable, signInAgain } from './login-refusal.ts'

/** Upper bound of state changes shown. */
const mostChanges = 20

type LastState = Pick<EventOf<'account_state_changed'>['data'], 'state' | 'at' | 'last_error' | 'next_retry_at'>

export interface KnownOfAccount {
  account: Account
  /** Undefined if it could not be determined. */
  index: IndexStatus | undefined
  history: AccountStretches
  /** The limit of connections that the provider publishes; null if unknown. */
  publishedConnections: number | null
}

export function accountChecks({ account, index, history, publishedConnections }: KnownOfAccount): Check[] {
  return [
    toCheck('account', 'state', stateOf(account)),
    index ? toCheck('account', 'index', indexOf(index)) : skipped('account', 'index', 'The index did not answer.'),
    toCheck('account', 'connections', connectionsOf(account, publishedConnections)),
    toCheck('account', 'history', historyOf(history)),
  ]
}

/** Counts of an account's index, from the database. */
export interface IndexCounts {
  folders: number
  /** Places of messages, in all folders. */
  places: number
  /** The mail server's count when it was last asked. */
  serverMessages: number
  messages: number
  texts: number
}

/** Checks the state of an account as stored by a server, which may be running or not. */
export function storedState(last: LastState | undefined, isEnabled: boolean): Check {
  if (!isEnabled) return toCheck('account', 'state', disabled([]))
  if (!last) return skipped('account', 'state', 'No change of its state is in the database.')
  const { state, at, last_error, next_retry_at } = last
  const details = [
    ['Since', at],
    ...(next_retry_at ? [['Next try', next_retry_at] as const] : []),
    ...(last_error ? [['Last error', `${last_error.at}: ${last_error.detail}`] as const] : []),
    ...(last_error?.server_response ? [['The server said', last_error.server_response] as const] : []),
  ] as const
  const words = `The server last noted the state ${state}.`
  return toCheck('account', 'state', { state: state === 'ready' ? 'ok' : 'warning', words, details })
}

export function storedIndex(counts: IndexCounts | undefined): Check {
  if (!counts) return toCheck('account', 'index', { state: 'ok', words: 'There is no index of this account here.' })
  const { folders, messages, places, serverMessages, texts } = counts
  const details = [
    ['Folders', String(folders)],
    ['Messages', String(messages)],
    ['Indexed places', `${places} of ${serverMessages}`],
    ['Texts', String(texts)],
  ] as const
  const words =
    places >= serverMessages
      ? 'Everything that the mail server last counted is indexed.'
      : 'The index is not complete yet.'
  return toCheck('account', 'index', { state: 'ok', words, details })
}

export function storedHistory(history: AccountStretches): Check {
  return toCheck('account', 'history', historyOf(history))
}

function disabled(details: Finding['details']): Finding {
  const advice = ['Enable the account: while it is disabled, its mail is not fetched.']
  return { state: 'warning', words: 'The account is disabled.', details: details ?? [], advice }
}

function stateOf({ auth, state, state_since, last_error, next_retry_at, last_mail_at, enabled }: Account): Finding {
  const details = [
    ['Since', state_since],
    ['Last new mail announced', last_mail_at ?? 'none since this server started'],
    ...(next_retry_at ? [['Next try', next_retry_at] as const] : []),
    ...(last_error ? [['Last error', `${last_error.at}: ${last_error.detail}`] as const] : []),
    ...(last_error?.server_response ? [['The server said', last_error.server_response] as const] : []),
  ] as const
  if (!enabled) return disabled(details)
  if (state === 'ready') return { state: 'ok', words: 'The account is connected and watched.', details }
  if (state === 'connecting') return { state: 'warning', words: 'The account is being connected.', details }
  if (state === 'auth_failed') {
    if (auth.kind === 'oauth') {
      const isOver = last_error?.cause === 'revoked'
      const why = isOver ? 'its access was revoked or has expired' : 'its access token was refused'
      return { state: 'failed', words: `The account is not connected, since ${why}.`, details, advice: [signInAgain] }
    }
    const advice = ['Enter the new password under Edit: it is not tried again until it changes.']
    return { state: 'failed', words: 'The account is not connected, since its password was refused.', details, advice }
  }
  if (state === 'degraded') return { state: 'warning', words: 'The account works in part.', details }
  if (last_error?.cause === 'sign_in_provider') {
    const words = 'The account is not connected: its sign-in provider gives no access token.'
    return { state: 'failed', words, details, advice: [providerUnreachable] }
  }
  const advice = ['Once the problem above is fixed, press Retry now on the page of the account.']
  return { state: 'failed', words: 'The account is not connected: its mail server cannot be reached.', details, advice }
}

function indexOf({ level, state, folders, messages, server_messages, places, texts, looked_at }: IndexStatus): Finding {
  if (level === 'off') return { state: 'ok', words: 'Mail of this account is not indexed, as chosen.' }
  const details = [
    ['Level', level],
    ['Folders', String(folders)],
    ['Messages', String(messages)],
    ['Indexed places', `${places} of ${server_messages}`],
    ['Texts', String(texts)],
    ['Last compared with the mail server', looked_at ?? 'not since this server started'],
  ] as const
  if (state === 'complete') return { state: 'ok', words: 'Everything is indexed.', details }
  return { state: 'ok', words: 'The index is not complete yet: lists come from the mail server where needed.', details }
}

function connectionsOf({ connections }: Account, published: number | null): Finding {
  const { open, busy, idle, connecting, waiting, watching, server_limit } = connections
  const details = [
    ['Open', `${open}: ${watching} watching, ${busy} busy, ${idle} idle`],
    ['Connecting', String(connecting)],
    ['Requests waiting', String(waiting)],
    ['Allowed by the mail server', server_limit === null ? 'no limit seen' : String(server_limit)],
    ['Published by the provider', published === null ? 'not known' : String(published)],
  ] as const
  if (server_limit === null) return { state: 'ok', words: `${open} connections are open.`, details }
  const words = `${open} connections are open; the mail server allows ${server_limit}.`
  const advice = ['Close other mail programs that use this account, if requests are slow.']
  return { state: server_limit < 3 ? 'warning' : 'ok', words, details, advice }
}

function historyOf({ items }: AccountStretches): Finding {
  const changes = items.slice(-mostChanges)
  const details = changes.map(({ from, state, error }) => [from, error ? `${state}: ${error.detail}` : state] as const)
  const troubles = items.filter(({ state }) => state === 'unreachable' || state === 'auth_failed').length
  if (troubles === 0) return { state: 'ok', words: 'No problems in the last 24 hours.', details }
  const words = `The account was without its mail server ${troubles === 1 ? 'once' : `${troubles} times`} in the last 24 hours.`
  return { state: 'ok', words, details }
}
