/** Filters a list by account; renders nothing unless there are several. */
import { FilterSelect, NamedOptions } from './select.tsx'

export function AccountFilter({
  accounts,
  ...select
}: {
  accounts: readonly { id: string; name: string }[]
  value: string
  /** Class names, including the width. */
  className: string
  onChange(account: string): void
}) {
  if (accounts.length <= 1) return null
  return (
    <FilterSelect label="Account" {...select}>
      <option value="">All accounts</option>
      <NamedOptions items={accounts} />
    </FilterSelect>
  )
}
