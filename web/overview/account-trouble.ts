/** What is wrong with an account, in words, and how badly. */
import type { Account, AccountState } from '../../contract/accounts.ts'
import { addressOf } from '../accounts/account-words.ts'

/** The worst first. */
const rank: readonly AccountState[] = ['auth_failed', 'unreachable', 'degraded', 'connecting', 'ready', 'disabled']

export function byTrouble(accounts: readonly Account[]): Account[] {
  return accounts.toSorted((a, b) => rank.indexOf(a.state) - rank.indexOf(b.state) || a.name.localeCompare(b.name))
}

/** The name alone unless others have the same: then with the address, or with what no two accounts share, user and server. */
export function nameApart({ id, name, email, imap }: Account, all: readonly Account[]): string {
  const namesakes = all.filter(other => other.id !== id && other.name === name)
  if (namesakes.length === 0) return name
  const isSameAddress = namesakes.some(other => other.email === email)
  return `${name} (${isSameAddress ? `${imap.user} at ${addressOf(imap)}` : email})`
}

/** @param name What to call the account. */
export function troubleOf({ state }: Account, name: string): { words: string; isBad: boolean } | undefined {
  if (state === 'auth_failed') return { words: `Account ${name} cannot log in.`, isBad: true }
  if (state === 'unreachable') return { words: `The mail server of account ${name} cannot be reached.`, isBad: true }
  if (state === 'degraded') return { words: `Account ${name} works only in part.`, isBad: false }
  return undefined
}
