/** Filters the feed by kind and account; both are kept in the address. */
import type { Account } from '../../contract/accounts.ts'
import { AccountFilter } from '../ui/account-filter.tsx'
import { FilterSelect, WordOptions } from '../ui/select.tsx'
import { kindLabels } from './change-kinds.ts'

interface View {
  kind: string
  account: string
}

export function ChangeFilter({
  view,
  setView,
  accounts,
}: {
  view: View
  setView(change: Partial<View>, options: { replace: boolean }): void
  accounts: readonly Account[]
}) {
  return (
    <search aria-label="Activity" className="flex min-w-0 gap-2">
      <FilterSelect
        label="Kind of change"
        className="w-30 sm:w-34"
        value={view.kind}
        onChange={kind => setView({ kind }, { replace: true })}
      >
        <option value="">All kinds</option>
        <WordOptions words={kindLabels} />
      </FilterSelect>
      <AccountFilter
        accounts={accounts}
        className="w-30 sm:w-34"
        value={view.account}
        onChange={account => setView({ account }, { replace: true })}
      />
    </search>
  )
}
