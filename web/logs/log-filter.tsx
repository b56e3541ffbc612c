/** Filters of the log: level chips, and fields for account, request and text. */
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { LogLevelName } from '../../contract/logs.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Field, NamedOptions, Select } from '../ui/field.tsx'
import { FilterFold } from '../ui/filter-fold.tsx'
import { RestingInput } from '../ui/resting-input.tsx'
import { type LogView, levelWords } from './log-view.ts'

export function LogFilterForm({
  view,
  levels,
  accounts = [],
  setView,
  onClear,
}: {
  view: LogView
  levels: readonly LogLevelName[]
  accounts: readonly Account[] | undefined
  setView(change: Partial<LogView>, options?: { replace?: boolean }): void
  onClear: (() => void) | undefined
}) {
  const folded = [view.q, view.request, view.account]
  // On phones the fields start collapsed, so that the lines come first.
  const [isOpen, setOpen] = useState(folded.some(value => value !== ''))
  const chosen = view.level === '' ? levels[0] : view.level
  return (
    <search className="mb-3 grid gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <fieldset className="flex flex-wrap gap-1 justify-self-start rounded-md border border-line-strong p-0.5">
          <legend className="sr-only">Minimum level</legend>
          {levels.map((level, index) => (
            <button
              key={level}
              type="button"
              aria-pressed={chosen === level}
              onClick={() => setView({ level: index === 0 ? '' : level })}
              className={classNames(
                'inline-flex min-h-8 items-center gap-1.5 rounded-sm px-2.5 text-sm whitespace-nowrap',
                chosen === level ? 'bg-sunken font-medium text-ink' : 'text-soft hover:bg-sunken',
              )}
            >
              <ToneIcon tone={levelWords[level].tone} />
              {levelWords[level].text}
            </button>
          ))}
        </fieldset>
        <FilterFold values={folded} isOpen={isOpen} onToggle={() => setOpen(!isOpen)} {...(onClear && { onClear })} />
      </div>
      <div className={classNames('grid gap-2 sm:grid-cols-3', !isOpen && 'max-sm:hidden')}>
        <Field label="Text">
          <RestingInput text={view.q} maxLength={200} onRest={q => setView({ q }, { replace: true })} />
        </Field>
        <Field label="Request">
          <RestingInput
            text={view.request}
            placeholder="Id"
            maxLength={100}
            onRest={request => setView({ request: request.trim() }, { replace: true })}
          />
        </Field>
        <Field label="Account">
          <Select value={view.account} onChange={event => setView({ account: event.target.value })}>
            <option value="">Any</option>
            <NamedOptions items={accounts} chosen={view.account} />
          </Select>
        </Field>
      </div>
      {onClear && (
        <div className="max-sm:hidden">
          <Button size="sm" onClick={onClear}>
            Clear
          </Button>
        </div>
      )}
    </search>
  )
}
