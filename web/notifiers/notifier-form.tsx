/** A notifier, new or as it is: where it leads, what it tells, and what happens when nobody acknowledges. */
import { useState } from 'react'
import type { Notifier, NotifierKind } from '../../contract/notifiers.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useAlertRules } from '../alerts/use-alerts.ts'
import { Checkbox } from '../ui/choice.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, NamedOptions, Select, Switch } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { SigningSecretDialog } from '../ui/shown-once-dialog.tsx'
import { bodyOf, draftOf, emptyDraft, type NotifierDraft } from './notifier-draft.ts'
import { kindNames, kinds } from './notifier-words.ts'
import { TargetFields } from './target-fields.tsx'
import { useSaveNotifier } from './use-notifiers.ts'

interface FormProps {
  notifier?: Notifier
  /** All of them, to which it may hand over. */
  notifiers: readonly Notifier[]
  onClose(): void
}

export function NotifierForm({ notifier, notifiers, onClose }: FormProps) {
  const { mutate, data: secret, error, isPending } = useSaveNotifier(notifier?.id)
  const [draft, setDraft] = useState<NotifierDraft>(notifier ? draftOf(notifier) : emptyDraft)
  const [enabled, setEnabled] = useState(notifier?.enabled ?? true)
  const change = (part: Partial<NotifierDraft>) => setDraft(before => ({ ...before, ...part }))
  const submit = () => {
    mutate(bodyOf(draft, enabled), { onSuccess: made => made === null && onClose() })
  }
  if (secret)
    return (
      <SigningSecretDialog
        title="Notifier added"
        label={`Signing secret of ${draft.name}`}
        secret={secret}
        onClose={onClose}
      />
    )
  return (
    <FormDialog
      onClose={onClose}
      title={notifier ? `Edit ${notifier.name}` : 'Add a notifier'}
      submitLabel={notifier ? 'Save' : 'Add'}
      isBusy={isPending}
      onSubmit={submit}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Kind" hint={notifier && 'Stays as it is.'}>
          <Select
            data-first-focus
            disabled={notifier !== undefined}
            value={draft.kind}
            onChange={event => change({ kind: event.target.value as NotifierKind, fields: {} })}
          >
            {kinds.map(kind => (
              <option key={kind} value={kind}>
                {kindNames[kind]}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Name">
          <Input required maxLength={100} value={draft.name} onChange={event => change({ name: event.target.value })} />
        </Field>
      </div>
      <TargetFields draft={draft} isNew={notifier === undefined} onChange={change} />
      <Telling draft={draft} onChange={change} />
      <Escalation draft={draft} others={notifiers.filter(({ id }) => id !== notifier?.id)} onChange={change} />
      {notifier && <Switch label="On" isOn={enabled} onChange={setEnabled} />}
      {error && <ErrorNote error={error} />}
    </FormDialog>
  )
}

type PartProps = { draft: NotifierDraft; onChange(part: Partial<NotifierDraft>): void }

function Telling({ draft, onChange }: PartProps) {
  const rules = useAlertRules()
  const accounts = useAccounts()
  return (
    <fieldset className="grid gap-4 border-t pt-4">
      <legend className="sr-only">What it tells</legend>
      <Switch
        label="Only what other notifiers hand over"
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
        label="Also tell when an alert is over"
        isChecked={draft.tellsCleared}
        onChange={tellsCleared => onChange({ tellsCleared })}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Collect for (seconds)" hint="Further alerts of a rule that was just told go together.">
          <Input
            required
            type="number"
            min={0}
            max={3600}
            value={draft.groupSeconds}
            onChange={event => onChange({ groupSeconds: event.target.value })}
          />
        </Field>
        <Field label="Repeat every (minutes)" hint="While it fires and nobody acknowledges it; 0 for never.">
          <Input
            required
            type="number"
            min={0}
            max={10080}
            value={draft.repeatMinutes}
            onChange={event => onChange({ repeatMinutes: event.target.value })}
          />
        </Field>
      </div>
    </fieldset>
  )
}

function Escalation({ draft, others, onChange }: PartProps & { others: readonly Notifier[] }) {
  if (others.length === 0) return null
  return (
    <div className="grid gap-4 border-t pt-4 sm:grid-cols-2">
      <Field label="When nobody acknowledges it, tell" hint="Also when this one cannot deliver.">
        <Select value={draft.escalateTo} onChange={event => onChange({ escalateTo: event.target.value })}>
          <option value="">no other notifier</option>
          <NamedOptions items={others} />
        </Select>
      </Field>
      {draft.escalateTo !== '' && (
        <Field label="After (minutes)">
          <Input
            required
            type="number"
            min={1}
            max={1440}
            value={draft.escalateAfter}
            onChange={event => onChange({ escalateAfter: event.target.value })}
          />
        </Field>
      )}
    </div>
  )
}

interface ChosenProps {
  label: string
  all: readonly { id: string; name: string }[]
  chosen: readonly string[]
  onChange(chosen: string[]): void
}

/** None is all of them. */
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
