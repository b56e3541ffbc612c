/**
 * The single rule for which caller sees which figures. Figures of accounts are rows that carry an account: each caller
 * gets the rows of the accounts it sees, or their sum. A figure of the whole server that grows with activity in
 * accounts requires access to all of them; for other callers it is left out or null. The load of the machine is visible
 * to all callers that may view the dashboard.
 */
import type { Principal } from './principal.ts'

/** The accounts visible to a caller: all, or a list. */
export type Sight = Pick<Principal, 'accounts'>

/** Rows by account id; a Map implements it. */
export interface AccountRows<Row> {
  get(accountId: string): Row | undefined
  entries(): Iterable<readonly [accountId: string, row: Row]>
}

export const wholeSight: Sight = { accounts: 'all' }

export function seesAll({ accounts }: Sight): boolean {
  return accounts === 'all'
}

/** Returns the accounts to filter a query by; undefined for callers that see all. */
export function visibleAccounts({ accounts }: Sight): ReadonlySet<string> | undefined {
  return accounts === 'all' ? undefined : accounts
}

/** Yields the visible rows; its cost depends on the caller's accounts, not on all of the server. */
export function* visibleRows<Row>({ accounts }: Sight, rows: AccountRows<Row>): Generator<Row> {
  if (accounts === 'all') {
    for (const [, row] of rows.entries()) yield row
    return
  }
  for (const id of accounts) {
    const row = rows.get(id)
    if (row !== undefined) yield row
  }
}

/** Returns a figure of the whole server; null for callers that do not see all accounts. */
export function wholeFigure<Figure>(sight: Sight, figure: Figure): Figure | null {
  return seesAll(sight) ? figure : null
}

/** Returns a key that is equal for callers that see the same accounts, so that shared data is encoded once. */
export function sightKey({ accounts }: Sight): string {
  return accounts === 'all' ? 'all' : JSON.stringify([...accounts].sort())
}

/** Whether a caller sees all of these accounts, which is required to see combined data of them. */
export function coversAccounts({ accounts }: Sight, others: Sight['accounts']): boolean {
  if (accounts === 'all') return true
  if (others === 'all') return false
  for (const id of others) if (!accounts.has(id)) return false
  return true
}
