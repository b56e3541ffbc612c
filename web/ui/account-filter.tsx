/** Narrows a list to one account, where there are several. */
import { FilterSelect, NamedOptions } from './select.tsx'

export function AccountFilter({
  accounts,
  ...select
}: {
  accounts: readonly { id: string; name: string }[]
  value: string
  /** With its width. */
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
