/** The rules of a policy, starting with when a human must approve, which matters most. */
import type { ReactNode } from 'react'
import { Checkbox, Radios } from '../ui/choice.tsx'
import { Field, Input, Textarea } from '../ui/field.tsx'
import { approvalWords, type PolicyFaults, type PolicyForm } from './policy-words.ts'

interface Part {
  form: PolicyForm
  faults: PolicyFaults
  onChange(change: Partial<PolicyForm>): void
}

export function PolicyFields(part: Part) {
  return (
    <>
      <ApprovalRules {...part} />
      <RecipientRules {...part} />
      <LimitRules {...part} />
      <HourRules {...part} />
      <OrganizingRules {...part} />
    </>
  )
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="grid min-w-0 content-start gap-3">
      <legend className="mb-1 text-base font-semibold">{title}</legend>
      {children}
    </fieldset>
  )
}

function ApprovalRules({ form, faults, onChange }: Part) {
  return (
    <Group title="Approval">
      <p role="status" className="rounded-md bg-sunken px-3 py-2 text-sm">
        {approvalWords(form)}
      </p>
      <Radios<PolicyForm['mode']>
        legend="What it requests"
        value={form.mode}
        choices={[
          { value: 'act', label: 'Is done, as far as the rules allow' },
          {
            value: 'propose',
            label: 'Waits as a proposal',
            hint: 'Changes of mail, drafts and messages: a user applies all, some or none. Limits still apply.',
          },
        ]}
        onChange={mode => onChange({ mode })}
      />
      {/* With proposals, every message waits anyway; fields with an error are still shown. */}
      {(form.mode === 'act' || faults.taintMinutes) && (
        <>
          <Checkbox label="Every message" isChecked={form.always} onChange={always => onChange({ always })} />
          <Checkbox
            label="Messages to strangers"
            hint="Recipients that the account has never written to."
            isChecked={form.strangers}
            onChange={strangers => onChange({ strangers })}
          />
          <FigureField
            {...{ form, faults, onChange }}
            name="taintMinutes"
            label="Minutes after it read mail of a stranger"
            hint="What it writes then may be dictated by the stranger. Empty: no such rule."
            placeholder="never"
          />
        </>
      )}
    </Group>
  )
}

function RecipientRules({ form, faults, onChange }: Part) {
  return (
    <Group title="Recipients">
      <Radios<PolicyForm['recipients']>
        legend="Who it may write to"
        value={form.recipients}
        choices={[
          { value: 'anyone', label: 'Anyone' },
          { value: 'listed', label: 'Only those listed' },
        ]}
        onChange={recipients => onChange({ recipients })}
      />
      {form.recipients === 'listed' && (
        <Field
          label="Allowed recipients"
          hint="One per line: anne@example.com, or @example.com for the whole domain. Empty allows nobody."
          error={faults.allowed}
        >
          <Textarea
            value={form.allowed}
            onChange={event => onChange({ allowed: event.target.value })}
            rows={4}
            className="font-mono"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
      )}
      <Checkbox
        label="Only replies to people who are already in the thread"
        isChecked={form.onlyKnown}
        onChange={onlyKnown => onChange({ onlyKnown })}
      />
    </Group>
  )
}

function LimitRules(part: Part) {
  return (
    <Group title="Sending limits">
      <div className="grid gap-3 sm:grid-cols-2">
        <FigureField {...part} name="perHour" label="Messages per hour" />
        <FigureField {...part} name="perDay" label="Messages per day" />
        <FigureField {...part} name="recipientsPerHour" label="Recipients per hour" />
        <FigureField {...part} name="recipientsPerDay" label="Recipients per day" />
        <FigureField {...part} name="attachmentMib" label="Attachments per message (MiB)" />
      </div>
      <p className="text-xs text-muted">Empty: no limit. 0: none allowed.</p>
    </Group>
  )
}

const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

function HourRules({ form, faults, onChange }: Part) {
  const { days } = form
  const toggle = (day: number) =>
    onChange({ days: days.includes(day) ? days.filter(each => each !== day) : [...days, day] })
  return (
    <Group title="Working hours">
      <Checkbox
        label="Only within these hours"
        hint="Nothing is sent outside of them."
        isChecked={form.hasHours}
        onChange={hasHours => onChange({ hasHours })}
      />
      {form.hasHours && (
        <>
          <fieldset className="flex flex-wrap gap-1">
            <legend className="sr-only">Days</legend>
            {dayNames.map((name, index) => (
              <button
                key={name}
                type="button"
                aria-pressed={days.includes(index + 1)}
                onClick={() => toggle(index + 1)}
                className="min-h-11 rounded-md border px-3 text-sm aria-pressed:border-accent aria-pressed:bg-accent-tint aria-pressed:text-accent md:min-h-8"
              >
                {name}
              </button>
            ))}
          </fieldset>
          {faults.days && (
            <p role="alert" className="text-xs font-medium text-bad">
              {faults.days}
            </p>
          )}
          <div className="grid gap-3 sm:grid-cols-3">
            <Field label="From" error={faults.from}>
              <Input type="time" value={form.from} onChange={event => onChange({ from: event.target.value })} />
            </Field>
            <Field label="Until" hint="24:00 is the end of the day." error={faults.to}>
              <Input value={form.to} inputMode="numeric" onChange={event => onChange({ to: event.target.value })} />
            </Field>
            <Field label="Time zone" error={faults.timeZone}>
              <Input
                value={form.timeZone}
                onChange={event => onChange({ timeZone: event.target.value })}
                autoCapitalize="none"
                spellCheck={false}
              />
            </Field>
          </div>
        </>
      )}
    </Group>
  )
}

function OrganizingRules({ form, faults, onChange }: Part) {
  return (
    <Group title="Organizing">
      <Radios<PolicyForm['folders']>
        legend="Folders in which it may change messages, and to which it may move them"
        value={form.folders}
        choices={[
          { value: 'all', label: 'All' },
          { value: 'listed', label: 'Only those listed' },
        ]}
        onChange={folders => onChange({ folders })}
      />
      {form.folders === 'listed' && (
        <Field label="Allowed folders" hint="One path per line. Empty allows none." error={faults.allowedFolders}>
          <Textarea
            value={form.allowedFolders}
            onChange={event => onChange({ allowedFolders: event.target.value })}
            rows={3}
            spellCheck={false}
          />
        </Field>
      )}
      <FigureField {...{ form, faults, onChange }} name="changesPerHour" label="Messages changed per hour" />
      <Checkbox
        label="May delete permanently"
        hint="Requires the scope mail:delete as well."
        isChecked={form.mayDelete}
        onChange={mayDelete => onChange({ mayDelete })}
      />
    </Group>
  )
}

type TextFieldName =
  | 'perHour'
  | 'perDay'
  | 'recipientsPerHour'
  | 'recipientsPerDay'
  | 'attachmentMib'
  | 'taintMinutes'
  | 'changesPerHour'

function FigureField({
  name,
  label,
  hint,
  placeholder = 'no limit',
  form,
  faults,
  onChange,
}: Part & { name: TextFieldName; label: string; hint?: string; placeholder?: string }) {
  return (
    <Field label={label} hint={hint} error={faults[name]}>
      <Input
        value={form[name]}
        onChange={event => onChange({ [name]: event.target.value })}
        inputMode="decimal"
        maxLength={12}
        autoComplete="off"
        placeholder={placeholder}
      />
    </Field>
  )
}
