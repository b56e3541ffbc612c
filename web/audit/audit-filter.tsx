/** Filters of the audit trail. */
import { type ReactNode, useId, useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { zoneAt } from '../analytics/time-labels.ts'
import { namedOperations, operationTyped, operationWords } from '../platform/operation-words.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Field, Input, NamedOptions, Select } from '../ui/field.tsx'
import { FilterFold } from '../ui/filter-fold.tsx'
import { RestingInput } from '../ui/resting-input.tsx'
import { type AuditView, toLocal, toTimestamp } from './audit-view.ts'
import { effectWords } from './audit-words.ts'

type Filtered = Omit<AuditView, 'cursor'>
type SetFilter = (change: Partial<Filtered>, options?: { replace?: boolean }) => void

export function AuditFilterForm({
  view,
  accounts = [],
  setView,
  onClear,
}: {
  view: AuditView
  accounts: readonly Account[] | undefined
  setView: SetFilter
  onClear: (() => void) | undefined
}) {
  const listId = useId()
  const zone = zoneAt(Date.now())
  // On phones the filter starts collapsed, so that the entries come first.
  const [isOpen, setOpen] = useState(onClear !== undefined)
  return (
    <search className={classNames('mb-3 flex flex-wrap gap-2', !isOpen && 'max-sm:*:not-first:hidden')}>
      <FilterFold
        values={[view.principal, view.operation, view.effect, view.outcome, view.account, view.from, view.to]}
        isOpen={isOpen}
        onToggle={() => setOpen(!isOpen)}
        {...(onClear && { onClear })}
      />
      <div className="grid min-w-0 flex-auto basis-full grid-cols-2 gap-2 sm:grid-cols-5 xl:basis-160">
        <Field label="Who">
          <RestingInput
            text={view.principal}
            placeholder="Name or id"
            maxLength={200}
            onRest={principal => setView({ principal }, { replace: true })}
          />
        </Field>
        <Field label="Operation">
          <RestingInput
            text={view.operation}
            placeholder="mail."
            maxLength={100}
            list={listId}
            onRest={text => setView({ operation: operationTyped(text) }, { replace: true })}
          />
        </Field>
        <datalist id={listId}>
          {namedOperations.map(name => (
            <option key={name} value={name} label={operationWords(name)} />
          ))}
        </datalist>
        <Choice label="Effect" value={view.effect} onChange={effect => setView({ effect })}>
          <option value="">Any</option>
          {Object.entries(effectWords).map(([effect, { text }]) => (
            <option key={effect} value={effect}>
              {text}
            </option>
          ))}
        </Choice>
        <Choice label="Outcome" value={view.outcome} onChange={outcome => setView({ outcome })}>
          <option value="">Any</option>
          <option value="ok">Done</option>
          <option value="failed">Refused or failed</option>
        </Choice>
        <Choice label="Account" value={view.account} onChange={account => setView({ account })}>
          <option value="">Any</option>
          <NamedOptions items={accounts} chosen={view.account} />
        </Choice>
      </div>
      <div className="flex min-w-0 flex-auto basis-full flex-wrap items-end gap-2 xl:basis-120">
        <div className="min-w-52 flex-1 sm:max-w-64">
          <Field label={`From, ${zone}`}>
            <Input
              type="datetime-local"
              className="min-w-0"
              value={toLocal(view.from)}
              onChange={event => setView({ from: toTimestamp(event.target.value) }, { replace: true })}
            />
          </Field>
        </div>
        <div className="min-w-52 flex-1 sm:max-w-64">
          <Field label={`To, ${zone}`}>
            <Input
              type="datetime-local"
              className="min-w-0"
              value={toLocal(view.to)}
              onChange={event => setView({ to: toTimestamp(event.target.value) }, { replace: true })}
            />
          </Field>
        </div>
        {onClear && (
          <span className="max-sm:hidden">
            <Button onClick={onClear}>Clear</Button>
          </span>
        )}
      </div>
    </search>
  )
}

function Choice({
  label,
  value,
  onChange,
  children,
}: {
  label: string
  value: string
  onChange(value: string): void
  children: ReactNode
}) {
  return (
    <Field label={label}>
      <Select value={value} onChange={event => onChange(event.target.value)}>
        {children}
      </Select>
    </Field>
  )
}
