/** Groups facts of one kind that are close in time into rows, such as 23 new mails or 20 accounts on one server. */
import type { AccountState } from '../../contract/accounts.ts'
import type { EventOf, Fact } from '../../contract/event.ts'
import { serverName } from '../accounts/account-words.ts'
import { formatCount } from '../platform/format.ts'
import type { StreamEvent } from '../platform/stream-status.ts'
import { type Change, changeOf, isFact, type Named, nameIn, placeOf } from './change-words.ts'

export interface Row extends Change {
  key: string
  /** The facts of the row, newest first; one for a single fact. */
  members: readonly (Change & { key: string })[]
}

export type Known = Named & { imap?: { host: string; port: number } }

const pluralSentence: Record<AccountState, string> = {
  auth_failed: 'cannot log in',
  unreachable: 'cannot be reached',
  degraded: 'work only partially',
  connecting: 'are being connected',
  ready: 'are ready',
  disabled: 'were disabled',
}

const folderWords: Record<EventOf<'folder_changed'>['data']['event'], string> = {
  created: 'are new',
  renamed: 'were renamed',
  gone: 'were removed',
  cleared: 'were recreated',
  changed: 'changed',
}

interface Gathering {
  key: string
  /** Maximum gap to the previous fact; past it, a new row starts. */
  gapMs: number
}

interface Group {
  facts: { id: string; fact: Fact }[]
  oldestAt: number
  gapMs: number
}

const minute = 60_000

/**
 * Groups facts.
 * @param facts Newest first.
 * @param hasOlder Whether older facts are not loaded; a group that may continue there is counted as `62+`.
 */
export function rowsOf(facts: readonly StreamEvent[], accounts: readonly Known[], hasOlder = false): Row[] {
  const groups: Group[] = []
  const open = new Map<string, Group>()
  for (const { id, event } of facts) {
    if (!isFact(event) || id === null || isQuiet(event)) continue
    const at = Date.parse(event.data.at)
    const gathering = gatheringOf(event, accounts)
    const known = gathering && open.get(gathering.key)
    if (known && known.oldestAt - at <= gathering.gapMs) {
      known.facts.push({ id, fact: event })
      known.oldestAt = at
      continue
    }
    const group = { facts: [{ id, fact: event }], oldestAt: at, gapMs: gathering?.gapMs ?? -1 }
    groups.push(group)
    if (gathering) open.set(gathering.key, group)
  }
  const endAt = groups.reduce((oldest, group) => Math.min(oldest, group.oldestAt), Number.POSITIVE_INFINITY)
  const isCut = ({ oldestAt, gapMs }: Group) => hasOlder && oldestAt - endAt <= gapMs
  return groups.flatMap(group => rowOf(group, accounts, isCut(group)) ?? [])
}

/** Returns whether a fact is not news: changed flags and moved messages are the daily work of a mailbox. */
function isQuiet(fact: Fact): boolean {
  return fact.type === 'mail_changed' || (fact.type === 'folder_changed' && fact.data.event === 'changed')
}

function gatheringOf(fact: Fact, accounts: readonly Known[]): Gathering | undefined {
  switch (fact.type) {
    case 'mail_received':
      return { key: `mail ${fact.data.account_id} ${fact.data.folder}`, gapMs: 60 * minute }
    case 'mail_removed':
      return { key: `removed ${fact.data.account_id}`, gapMs: 60 * minute }
    // The first indexing of an account causes one for each of its folders.
    case 'folder_changed':
      return { key: `${fact.data.event} ${fact.data.account_id}`, gapMs: 10 * minute }
    case 'account_state_changed':
      return { key: `state ${serverOf(fact.data.account_id, accounts)}`, gapMs: 10 * minute }
    case 'account_added':
    case 'account_removed':
      return { key: fact.type, gapMs: 10 * minute }
    case 'client_connected':
    case 'client_disconnected':
      return { key: `client ${fact.data.principal} ${fact.data.user_agent}`, gapMs: 60 * minute }
    default:
      return undefined
  }
}

/**
 * Returns the group key of an account: its server, whose accounts fail and recover together, or the account if that is
 * unknown.
 */
function serverOf(accountId: string, accounts: readonly Known[]): string {
  const imap = accounts.find(({ id }) => id === accountId)?.imap
  return imap ? serverName(imap) : accountId
}

function rowOf({ facts }: Group, accounts: readonly Known[], isCut: boolean): Row | undefined {
  const members = facts.flatMap(({ id, fact }) => {
    const change = changeOf(fact, accounts)
    return change ? [{ key: id, ...change }] : []
  })
  const [newest] = members
  if (!newest) return undefined
  // The oldest member's key, which stays the same while the group grows.
  const key = members.at(-1)!.key
  if (members.length === 1) return { ...newest, key, members }
  const together = facts.map(({ fact }) => fact)
  const count = `${facts.length}${isCut ? '+' : ''}`
  return { ...newest, ...wordsTogether(together, count, newest, accounts), key, members }
}

function newestState(facts: readonly Fact[], accountId: string): AccountState | undefined {
  const fact = facts.find(({ data }) => 'account_id' in data && data.account_id === accountId)
  return fact?.type === 'account_state_changed' ? fact.data.state : undefined
}

/** @param count The formatted count. */
function wordsTogether(
  facts: readonly Fact[],
  count: string,
  newest: Change,
  accounts: readonly Known[],
): Partial<Change> {
  const [first] = facts
  if (first?.type === 'mail_received') {
    const place = placeOf(first.data, id => nameIn(accounts, id))
    return { text: `${count} new messages in ${place}` }
  }
  if (first?.type === 'mail_removed') {
    const removed = facts.reduce((sum, fact) => sum + (fact.type === 'mail_removed' ? fact.data.messages.length : 0), 0)
    const more = count.endsWith('+') ? '+' : ''
    return { text: `${removed}${more} messages of ${nameIn(accounts, first.data.account_id)} were deleted` }
  }
  if (first?.type === 'folder_changed') {
    const { account_id: id, event } = first.data
    const folders = new Set(facts.map(fact => (fact.type === 'folder_changed' ? fact.data.folder : '')))
    if (folders.size === 1) return { text: `${newest.text} (${count} times)` }
    return {
      text: `${folders.size} folders of ${nameIn(accounts, id)} ${folderWords[event]}`,
      href: `/mail?account=${id}`,
    }
  }
  if (first?.type === 'account_added') return { text: `${count} accounts were added`, href: '/accounts' }
  if (first?.type === 'account_removed') return { text: `${count} accounts were removed` }
  if (first?.type !== 'account_state_changed') return { text: `${newest.text} (${count} times)` }
  const ids = new Set(facts.map(fact => ('account_id' in fact.data ? (fact.data.account_id ?? '') : '')))
  if (ids.size === 1) return { text: `${newest.text} (${count} changes)` }
  const host = serverOf(first.data.account_id, accounts)
  const states = new Set([...ids].map(id => newestState(facts, id)))
  const words = states.size === 1 ? pluralSentence[first.data.state] : `changed: ${newest.text}`
  return {
    text: `${formatCount(ids.size, 'account')} on ${host} ${words}`,
    href: `/accounts?${new URLSearchParams({ q: host })}`,
  }
}
