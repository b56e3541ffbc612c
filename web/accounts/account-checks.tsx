/** Chooses the accounts that a user or program may see. */
import { useId, useState } from 'react'
import type { AccountAccess } from '../../contract/access.ts'
import type { Account } from '../../contract/accounts.ts'
import { Checkbox } from '../ui/choice.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { describedByNotes, FieldNotes, Input } from '../ui/field.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useAccounts } from './use-accounts.ts'

/** Number of accounts from which the list gets a search field. */
const searchedFrom = 8

/** @param mayBeAll Whether "all" can be chosen, which includes accounts that are added later. */
export function AccountChecks({
  value,
  mayBeAll = false,
  hint,
  error,
  onChange,
}: {
  value: AccountAccess
  mayBeAll?: boolean
  hint?: string | undefined
  error?: string | undefined
  onChange(value: AccountAccess): void
}) {
  const accounts = useAccounts()
  const id = useId()
  return (
    <fieldset className="grid min-w-0 content-start gap-1" aria-describedby={describedByNotes({ id, hint, error })}>
      <legend className="mb-1 text-sm font-medium">Accounts</legend>
      {mayBeAll && (
        <Checkbox
          label="All accounts"
          hint="Includes accounts connected later."
          isChecked={value === 'all'}
          onChange={isAll => onChange(isAll ? 'all' : [])}
        />
      )}
      {value !== 'all' && accounts.data && (
        <CheckList accounts={accounts.data.items} chosen={value} onChange={onChange} />
      )}
      {value !== 'all' && accounts.isPending && <Skeleton className="h-8 w-full" />}
      {value !== 'all' && !accounts.data && accounts.error && <ErrorNote error={accounts.error} />}
      <FieldNotes {...{ id, hint, error }} />
    </fieldset>
  )
}

function CheckList({
  accounts,
  chosen,
  onChange,
}: {
  accounts: readonly Account[]
  chosen: readonly string[]
  onChange(chosen: string[]): void
}) {
  const [sought, setSought] = useState('')
  const known = new Set(accounts.map(({ id }) => id))
  const lost = chosen.filter(id => !known.has(id))
  const shown = accounts.filter(({ name, email }) => `${name} ${email}`.toLowerCase().includes(sought.toLowerCase()))
  const choose = (id: string, isChosen: boolean) =>
    onChange(isChosen ? [...chosen, id] : chosen.filter(other => other !== id))
  if (accounts.length === 0 && lost.length === 0) {
    return <p className="text-sm text-soft">No account is connected.</p>
  }
  return (
    <div className="grid gap-1">
      {accounts.length >= searchedFrom && (
        <Input
          type="search"
          aria-label="Find an account"
          placeholder="Find an account"
          value={sought}
          onChange={event => setSought(event.target.value)}
        />
      )}
      <ul className="max-h-56 overflow-y-auto rounded-md border px-3 py-1">
        {shown.map(({ id, name, email }) => (
          <li key={id}>
            <Checkbox
              label={name}
              hint={email === name ? undefined : email}
              isChecked={chosen.includes(id)}
              onChange={isChosen => choose(id, isChosen)}
            />
          </li>
        ))}
        {lost.map(id => (
          <li key={id}>
            <Checkbox
              label="An account that is not listed"
              hint={`${id}: removed, or not visible to you.`}
              isChecked
              onChange={isChosen => choose(id, isChosen)}
            />
          </li>
        ))}
        {shown.length === 0 && <li className="py-1 text-sm text-soft">No account has this name.</li>}
      </ul>
    </div>
  )
}
