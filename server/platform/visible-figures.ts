/**
 * The one rule for which caller sees which figures. Figures of accounts are rows that carry an account: each caller gets the rows of the
 * accounts it sees, or their sum. A figure of the whole server that grows with activity in accounts requires access to all of them; for
 * other callers it is left out or null. The load of the machine is visible to all callers that may view the dashboard.
 */
import type { Principal } from './principal.ts'

/** How far a caller sees: all accounts, or those of a list. */
export type Sight = Pick<Principal, 'accounts'>

/** Rows by the account that they carry; a Map is one. */
export interface AccountRows<Row> {
  get(accountId: string): Row | undefined
  entries(): Iterable<readonly [accountId: string, row: Row]>
}

export const wholeSight: Sight = { accounts: 'all' }

export function seesAll({ accounts }: Sight): boolean {
  return accounts === 'all'
}

/** The list by which a query is narrowed; undefined for callers that see all accounts. */
export function visibleAccounts({ accounts }: Sight): ReadonlySet<string> | undefined {
  return accounts === 'all' ? undefined : accounts
}

/** Costs as much as there are accounts on the caller's list, however many the server has. */
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

/** A figure of the whole server; null for callers that do not see all accounts. */
export function wholeFigure<Figure>(sight: Sight, figure: Figure): Figure | null {
  return seesAll(sight) ? figure : null
}

/** Equal for callers that see the same accounts, so that what they are told is encoded once. */
export function sightKey({ accounts }: Sight): string {
  return accounts === 'all' ? 'all' : JSON.stringify([...accounts].sort())
}

/** Whether a caller sees all of these accounts: what is told of them together is told to it alone. */
export function coversAccounts({ accounts }: Sight, others: Sight['accounts']): boolean {
  if (accounts === 'all') return true
  if (others === 'all') return false
  for (const id of others) if (!accounts.has(id)) return false
  return true
}
