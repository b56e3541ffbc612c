/** Accounts by how badly they fare, and what to call one among others of the same name. */
import type { Account } from '../../contract/accounts.ts'
import { stateRank } from '../accounts/account-order.ts'
import { addressOf } from '../accounts/account-words.ts'

export function byTrouble(accounts: readonly Account[]): Account[] {
  return accounts.toSorted(
    (a, b) => stateRank.indexOf(a.state) - stateRank.indexOf(b.state) || a.name.localeCompare(b.name),
  )
}

/** The name alone unless others have the same: then with the address, or with what no two accounts share, user and server. */
export function nameApart({ id, name, email, imap }: Account, all: readonly Account[]): string {
  const namesakes = all.filter(other => other.id !== id && other.name === name)
  if (namesakes.length === 0) return name
  const isSameAddress = namesakes.some(other => other.email === email)
  return `${name} (${isSameAddress ? `${imap.user} at ${addressOf(imap)}` : email})`
}
