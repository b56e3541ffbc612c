/** Sorts and filters the table of accounts. */
import type { Account, AccountState } from '../../contract/accounts.ts'
import type { SortOrder } from '../ui/table.tsx'
import { addressOf } from './account-words.ts'

export const viewDefaults = { q: '', state: '', sort: 'state', order: 'asc' }
export type AccountsView = typeof viewDefaults

export type SortColumn = 'name' | 'state' | 'server' | 'connections' | 'last_mail'

/** Account states, worst first. */
export const stateRank: readonly AccountState[] = [
  'auth_failed',
  'unreachable',
  'degraded',
  'connecting',
  'ready',
  'disabled',
]

const keys: Record<SortColumn, (account: Account) => string | number> = {
  name: ({ name }) => name,
  state: ({ state }) => stateRank.indexOf(state),
  server: ({ imap }) => `${imap.host}:${imap.port}`,
  connections: ({ connections }) => connections.open,
  last_mail: ({ last_mail_at: at }) => at ?? '',
}

/** Returns the sort column; the address may contain any text. */
export function columnOf(sort: string): SortColumn {
  return Object.hasOwn(keys, sort) ? (sort as SortColumn) : 'state'
}

export function orderOf(order: string): SortOrder {
  return order === 'desc' ? 'desc' : 'asc'
}

/** Natural order: `Team 2` before `Team 10`. */
const inWords = new Intl.Collator('en', { numeric: true })
export const byName = (a: Pick<Account, 'name'>, b: Pick<Account, 'name'>): number => inWords.compare(a.name, b.name)

/** Returns the filtered, sorted accounts; ties are broken by name. */
export function arranged(accounts: readonly Account[], { q, state, sort, order }: AccountsView): Account[] {
  const words = q.trim().toLowerCase()
  const key = keys[columnOf(sort)]
  const sign = orderOf(order) === 'desc' ? -1 : 1
  return accounts
    .filter(account => (state === '' || account.state === state) && isMeant(account, words))
    .sort((a, b) => sign * compare(key(a), key(b)) || byName(a, b))
}

function isMeant({ name, email, imap }: Account, words: string): boolean {
  return [name, email, addressOf(imap), imap.user].some(text => text.toLowerCase().includes(words))
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return inWords.compare(String(a), String(b))
}
