/** Which alerts a notifier sends, how often, and where unacknowledged ones escalate to. */

import type { Notifier } from '../../contract/notifiers.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useAlertRules } from '../alerts/use-alerts.ts'
import { Checkbox } from '../ui/choice.tsx'
import { Field, Input, NamedOptions, Select, Switch } from '../ui/field.tsx'
import type { NotifierDraft } from './notifier-draft.ts'

interface PartProps {
  draft: NotifierDraft
  faultOf(name: string): string | undefined
  onChange(part: Partial<NotifierDraft>): void
}

export function AnnouncementFields({ draft, faultOf, onChange }: PartProps) {
  const rules = useAlertRules()
  const accounts = useAccounts()
  return (
    <fieldset className="grid gap-4 border-t pt-4">
      <legend className="sr-only">What it sends</legend>
      <Switch
        label="Only escalations of other notifiers"
        hint="For a phone that rings only when nobody reacts."
        isOn={draft.onlyEscalations}
        onChange={onlyEscalations => onChange({ onlyEscalations })}
      />
      {!draft.onlyEscalations && (
        <>
          <Field label="Severity">
            <Select
              value={draft.minSeverity}
              onChange={event => onChange({ minSeverity: event.target.value as NotifierDraft['minSeverity'] })}
            >
              <option value="info">All alerts</option>
              <option value="warning">Warnings and critical alerts</option>
              <option value="critical">Critical alerts</option>
            </Select>
          </Field>
          <Chosen
            label="Rules"
            all={(rules.data?.items ?? []).map(({ id, name }) => ({ id, name }))}
            chosen={draft.ruleIds}
            onChange={ruleIds => onChange({ ruleIds })}
          />
          <Chosen
            label="Accounts"
            all={(accounts.data?.items ?? []).map(({ id, name, email }) => ({ id, name: name || email }))}
            chosen={draft.accountIds}
            onChange={accountIds => onChange({ accountIds })}
          />
        </>
      )}
      <Checkbox
        label="Also notify when an alert clears"
        isChecked={draft.announcesCleared}
        onChange={announcesCleared => onChange({ announcesCleared })}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <NumberField
          label="Collect for (seconds)"
          hint="Further alerts of the same rule are sent together."
          error={faultOf('group_seconds')}
          bounds={[0, 3600]}
          value={draft.groupSeconds}
          onChange={groupSeconds => onChange({ groupSeconds })}
        />
        <NumberField
          label="Repeat every (minutes)"
          hint="While it fires and nobody acknowledges it; 0 for never."
          error={faultOf('repeat_minutes')}
          bounds={[0, 10_080]}
          value={draft.repeatMinutes}
          onChange={repeatMinutes => onChange({ repeatMinutes })}
        />
      </div>
    </fieldset>
  )
}

export function Escalation({ draft, others, faultOf, onChange }: PartProps & { others: readonly Notifier[] }) {
  if (others.length === 0) return null
  return (
    <div className="grid gap-4 border-t pt-4 sm:grid-cols-2">
      <Field
        label="If nobody acknowledges, escalate to"
        hint="Also if this one cannot deliver."
        error={faultOf('notifier_id')}
      >
        <Select value={draft.escalateTo} onChange={event => onChange({ escalateTo: event.target.value })}>
          <option value="">No other notifier</option>
          <NamedOptions items={others} />
        </Select>
      </Field>
      {draft.escalateTo !== '' && (
        <NumberField
          label="After (minutes)"
          error={faultOf('after_minutes')}
          bounds={[1, 1440]}
          value={draft.escalateAfter}
          onChange={escalateAfter => onChange({ escalateAfter })}
        />
      )}
    </div>
  )
}

interface NumberFieldProps {
  label: string
  hint?: string
  error: string | undefined
  bounds: readonly [min: number, max: number]
  value: string
  onChange(value: string): void
}

function NumberField({ label, hint, error, bounds: [min, max], value, onChange }: NumberFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      <Input type="number" min={min} max={max} value={value} onChange={event => onChange(event.target.value)} />
    </Field>
  )
}

interface ChosenProps {
  label: string
  all: readonly { id: string; name: string }[]
  chosen: readonly string[]
  onChange(chosen: string[]): void
}

/** A multiple choice in which none means all. */
function Chosen({ label, all, chosen, onChange }: ChosenProps) {
  if (all.length === 0) return null
  return (
    <details className="text-sm">
      <summary className="cursor-pointer font-medium">
        {label}: {chosen.length === 0 ? 'all' : `${chosen.length} of ${all.length}`}
      </summary>
      <div className="mt-2 grid max-h-48 overflow-y-auto rounded-md border p-2">
        {all.map(({ id, name }) => (
          <Checkbox
            key={id}
            label={name}
            isChecked={chosen.includes(id)}
            onChange={isChecked => onChange(isChecked ? [...chosen, id] : chosen.filter(each => each !== id))}
          />
        ))}
      </div>
    </details>
  )
}
