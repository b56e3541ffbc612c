/** Names the accounts that a user or program may see. */
import type { AccountAccess } from '../../contract/access.ts'
import type { Account } from '../../contract/accounts.ts'
import { formatCount } from '../platform/format.ts'

/** Maximum accounts named; more would make a row too high. */
const named = 2

/** @param known The accounts visible to the reader; the others are only counted. */
export function AccountNames({
  accounts,
  known = [],
}: {
  accounts: AccountAccess
  known: readonly Pick<Account, 'id' | 'name'>[] | undefined
}) {
  if (accounts === 'all') return <>All accounts</>
  if (accounts.length === 0) return <span className="text-muted">None</span>
  const names = accounts.flatMap(id => known.find(account => account.id === id)?.name ?? [])
  const shown = names.slice(0, named)
  const others = accounts.length - shown.length
  if (shown.length === 0) return <>{formatCount(accounts.length, 'account')}</>
  return (
    <span title={names.join(', ')} className="wrap-anywhere">
      {shown.join(', ')}
      {others > 0 && ` and ${others} more`}
    </span>
  )
}
