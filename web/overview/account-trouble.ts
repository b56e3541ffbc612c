/** Sorts accounts by severity, and names one among others of the same name. */
import type { Account } from '../../contract/accounts.ts'
import { byName, stateRank } from '../accounts/account-order.ts'
import { addressOf, serverName } from '../accounts/account-words.ts'

export function byTrouble(accounts: readonly Account[]): Account[] {
  return accounts.toSorted((a, b) => stateRank.indexOf(a.state) - stateRank.indexOf(b.state) || byName(a, b))
}

/** Number of accounts from which they share one row. */
const fewestTogether = 3

/** Returns rows by severity; accounts that are down for one reason on one server share a row. */
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

/** Returns the name; if it is not unique, with the address, or else with user and server, which are unique. */
export function nameApart({ id, name, email, imap }: Account, all: readonly Account[]): string {
  const namesakes = all.filter(other => other.id !== id && other.name === name)
  if (namesakes.length === 0) return name
  const isSameAddress = namesakes.some(other => other.email === email)
  return `${name} (${isSameAddress ? `${imap.user} at ${addressOf(imap)}` : email})`
}
