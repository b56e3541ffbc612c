/** Accounts by how badly they fare, and what to call one among others of the same name. */
import type { Account } from '../../contract/accounts.ts'
import { byName, stateRank } from '../accounts/account-order.ts'
import { addressOf, serverName } from '../accounts/account-words.ts'

export function byTrouble(accounts: readonly Account[]): Account[] {
  return accounts.toSorted((a, b) => stateRank.indexOf(a.state) - stateRank.indexOf(b.state) || byName(a, b))
}

/** So few are better told one by one. */
const fewestTogether = 3

/** By trouble, with accounts that one server leaves alone for one reason together. */
export function troubleRows(accounts: readonly Account[]): [Account, ...Account[]][] {
  const rows: [Account, ...Account[]][] = []
  const groups = Map.groupBy(accounts, causeOf)
  for (const account of byTrouble(accounts)) {
    const group = byTrouble(groups.get(causeOf(account)) ?? [])
    if (group.length < fewestTogether || causeOf(account) === undefined) rows.push([account])
    else if (group[0] === account) rows.push([account, ...group.slice(1)])
  }
  return rows
}

function causeOf({ state, imap, last_error: error }: Account): string | undefined {
  return state === 'unreachable' && error ? `${error.cause} ${serverName(imap)}` : undefined
}

/** The name alone unless others have the same: then with the address, or with what no two accounts share, user and server. */
export function nameApart({ id, name, email, imap }: Account, all: readonly Account[]): string {
  const namesakes = all.filter(other => other.id !== id && other.name === name)
  if (namesakes.length === 0) return name
  const isSameAddress = namesakes.some(other => other.email === email)
  return `${name} (${isSameAddress ? `${imap.user} at ${addressOf(imap)}` : email})`
}
