/** Filters of the list of changes: caller, account, state. */
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { Operation } from '../../contract/operations.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Field, NamedOptions, Select } from '../ui/field.tsx'
import { FilterFold } from '../ui/filter-fold.tsx'
import { type ChangesView, hasFilter } from './changes-view.ts'
import { kindWords, stateWords } from './operation-lines.ts'

export function ChangesFilter({
  view,
  accounts,
  principals,
  seesOthers,
  setView,
}: {
  view: ChangesView
  accounts: readonly Account[]
  principals: readonly Operation['principal'][]
  seesOthers: boolean
  setView(change: Partial<ChangesView>): void
}) {
  // On phones the filter starts collapsed, so that the changes come first.
  const [isOpen, setOpen] = useState(hasFilter(view))
  const clear = () => setView({ principal: '', session: '', account: '', state: '' })
  return (
    <search
      className={classNames(
        'mb-3 flex flex-wrap items-end gap-2 *:min-w-36 *:flex-1 sm:*:max-w-64',
        !isOpen && 'max-sm:*:not-first:hidden',
      )}
    >
      <FilterFold
        values={[view.principal, view.account, view.state, view.session]}
        isOpen={isOpen}
        onToggle={() => setOpen(!isOpen)}
        onClear={clear}
      />
      {seesOthers && (
        <Field label="By">
          <PrincipalSelect
            value={view.principal}
            principals={principals}
            anyone="Anyone"
            onChange={principal => setView({ principal, session: '' })}
          />
        </Field>
      )}
      <Field label="Account">
        <Select value={view.account} onChange={event => setView({ account: event.target.value })}>
          <option value="">Any</option>
          <NamedOptions items={accounts} />
        </Select>
      </Field>
      <Field label="State">
        <Select value={view.state} onChange={event => setView({ state: event.target.value })}>
          <option value="">Any</option>
          {Object.entries(stateWords).map(([state, { text }]) => (
            <option key={state} value={state}>
              {text}
            </option>
          ))}
        </Select>
      </Field>
      {view.session !== '' && (
        <Field label="Session">
          <Select value={view.session} onChange={() => setView({ session: '' })}>
            <option value="">Any</option>
            <option value={view.session}>{view.session}</option>
          </Select>
        </Field>
      )}
      {hasFilter(view) && (
        <span className="flex-none! max-sm:hidden">
          <Button onClick={clear}>Clear</Button>
        </span>
      )}
    </search>
  )
}

/** A select of callers; includes the one in the address even if none of their changes is listed. */
export function PrincipalSelect({
  value,
  principals,
  anyone,
  onChange,
}: {
  value: string
  principals: readonly Operation['principal'][]
  /** Label of the empty choice. */
  anyone: string
  onChange(id: string): void
}) {
  const isKnown = value === '' || principals.some(({ id }) => id === value)
  return (
    <Select value={value} onChange={event => onChange(event.target.value)}>
      <option value="">{anyone}</option>
      {principals.map(({ id, name, kind }) => (
        <option key={id} value={id}>
          {kind === 'session' && name.startsWith('You') ? name : `${name} (${kindWords[kind]})`}
        </option>
      ))}
      {!isKnown && <option value={value}>{value}</option>}
    </Select>
  )
}
