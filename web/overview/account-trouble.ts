/** What is wrong with an account, in words, and how badly. */
import type { Account, AccountState } from '../../contract/accounts.ts'

/** The worst first. */
const rank: readonly AccountState[] = ['auth_failed', 'unreachable', 'degraded', 'connecting', 'ready', 'disabled']

export function byTrouble(accounts: readonly Account[]): Account[] {
  return accounts.toSorted((a, b) => rank.indexOf(a.state) - rank.indexOf(b.state) || a.name.localeCompare(b.name))
}

export function troubleOf({ name, state }: Account): { words: string; isBad: boolean } | undefined {
  if (state === 'auth_failed') return { words: `Account ${name} cannot log in.`, isBad: true }
  if (state === 'unreachable') return { words: `The mail server of account ${name} cannot be reached.`, isBad: true }
  if (state === 'degraded') return { words: `Account ${name} works only in part.`, isBad: false }
  return undefined
}
