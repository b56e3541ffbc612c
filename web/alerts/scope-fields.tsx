/** For each label of a series: one alert for all values, one alert per value, or only one value. */
import { useId } from 'react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { Field, Input, Select } from '../ui/field.tsx'
import type { Label, LabelScope } from './rule-draft.ts'
import type { RuleFields } from './rule-fields.ts'
import { useLabelValues } from './use-alerts.ts'

const names: Partial<Record<Label, string>> = {
  account_id: 'Accounts',
  principal: 'Programs and agents',
  state: 'States',
  cause: 'Causes',
  operation: 'Operations',
  code: 'Codes',
  tool: 'Tools',
  outcome: 'Outcomes',
  caller: 'Users and programs',
  queue: 'Queues',
  protocol: 'Protocols',
}

export function ScopeFields({ fields }: { fields: RuleFields }) {
  const { labels } = fields.known
  if (labels.length === 0) return null
  return (
    <div className="mt-4 grid gap-4 sm:grid-cols-2">
      {labels.map(label => (
        <ScopeField key={label} label={label} fields={fields} />
      ))}
    </div>
  )
}

function ScopeField({ label, fields }: { label: Label; fields: RuleFields }) {
  const { draft, known, change, faultOf } = fields
  const scope = draft.scopes[label] ?? { kind: 'all' }
  const set = (next: LabelScope) => change({ scopes: { ...draft.scopes, [label]: next } })
  const isOne = scope.kind === 'one'
  return (
    <div className="grid content-start gap-2">
      <Field label={names[label] ?? label}>
        <Select
          value={scope.kind}
          onChange={event => {
            const kind = event.target.value as LabelScope['kind']
            set(kind === 'one' ? { kind, value: '' } : { kind })
          }}
        >
          <option value="all">One alert for all</option>
          <option value="each">One alert per value</option>
          <option value="one">Only one…</option>
        </Select>
      </Field>
      {isOne && (
        <OneValue
          {...{ label, series: known.name, value: scope.value, error: faultOf(`scope.${label}`) }}
          onChange={value => set({ kind: 'one', value })}
        />
      )}
    </div>
  )
}

function OneValue({
  label,
  series,
  value,
  error,
  onChange,
}: {
  label: Label
  series: string
  value: string
  error: string | undefined
  onChange(value: string): void
}) {
  const isAccount = label === 'account_id'
  const accounts = useAccounts().data?.items
  const values = useLabelValues(series, label, !isAccount).data ?? []
  const list = useId()
  if (isAccount) {
    return (
      <Field label="Which account" error={error}>
        <Select value={value} onChange={event => onChange(event.target.value)}>
          <option value="">Choose one</option>
          {value !== '' && !accounts?.some(({ id }) => id === value) && <option value={value}>{value}</option>}
          {accounts?.map(({ id, name, email }) => (
            <option key={id} value={id}>
              {name || email}
            </option>
          ))}
        </Select>
      </Field>
    )
  }
  return (
    <Field label={`Which of: ${names[label] ?? label}`} error={error}>
      <Input
        list={list}
        value={value}
        maxLength={100}
        autoComplete="off"
        spellCheck={false}
        onChange={event => onChange(event.target.value)}
      />
      <datalist id={list}>
        {values.map(each => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </Field>
  )
}
