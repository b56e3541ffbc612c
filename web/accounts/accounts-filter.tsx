/** Filters of the table of accounts. */
import { Input, Select } from '../ui/field.tsx'
import { type AccountsView, stateRank } from './account-order.ts'
import { stateWords } from './account-words.ts'

export function AccountsFilter({
  view,
  setView,
}: {
  view: AccountsView
  setView(change: Partial<AccountsView>, options: { replace: boolean }): void
}) {
  return (
    <search className="mb-3 flex flex-wrap gap-2">
      <span className="min-w-48 flex-1 max-sm:basis-full">
        <Input
          type="search"
          aria-label="Name, address or server"
          placeholder="Name, address or server"
          maxLength={200}
          value={view.q}
          onChange={event => setView({ q: event.target.value }, { replace: true })}
        />
      </span>
      <span className="w-36 flex-auto sm:flex-none">
        <Select
          aria-label="State"
          value={view.state}
          onChange={event => setView({ state: event.target.value }, { replace: true })}
        >
          <option value="">Any state</option>
          {stateRank.map(state => (
            <option key={state} value={state}>
              {stateWords[state].text}
            </option>
          ))}
        </Select>
      </span>
    </search>
  )
}
