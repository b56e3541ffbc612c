/** Narrows the feed to a kind of change and to an account; both stand in the address. */
import type { Account } from '../../contract/accounts.ts'
import { Select } from '../ui/select.tsx'
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
  const small = 'min-h-7! py-0 text-xs!'
  return (
    <search aria-label="Activity" className="flex min-w-0 gap-2">
      <span className="w-30 min-w-0 sm:w-34">
        <Select
          aria-label="Kind of change"
          className={small}
          value={view.kind}
          onChange={event => setView({ kind: event.target.value }, { replace: true })}
        >
          <option value="">All kinds</option>
          {Object.entries(kindLabels).map(([kind, label]) => (
            <option key={kind} value={kind}>
              {label}
            </option>
          ))}
        </Select>
      </span>
      {accounts.length > 1 && (
        <span className="w-30 min-w-0 sm:w-34">
          <Select
            aria-label="Account"
            className={small}
            value={view.account}
            onChange={event => setView({ account: event.target.value }, { replace: true })}
          >
            <option value="">All accounts</option>
            {accounts.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
        </span>
      )}
    </search>
  )
}
