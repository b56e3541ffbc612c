/** How many users must approve, how long approvals wait, and how long sending can be undone. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { type ApprovalSettings, type ApprovalSettingsAnswer, approvalsApi } from '../../contract/approvals.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/choice.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { Panel } from '../ui/panel.tsx'
import { useToast } from '../ui/toast.tsx'
import { type ApprovalForm, faultsOf, formOf, settingsOf } from './approval-form.ts'

export function ApprovalPanel() {
  const query = useQuery({
    queryKey: queryKeys.approvalSettings,
    queryFn: ({ signal }) => call(approvalsApi.getApprovalSettings, { signal }),
  })
  return (
    <Panel title="Approvals and sending" query={query} isFlush={false}>
      {settings => <SettingsForm key={JSON.stringify(settings)} settings={settings} />}
    </Panel>
  )
}

function SettingsForm({ settings }: { settings: ApprovalSettingsAnswer }) {
  const mayChange = useMay('dashboard:admin')
  const queries = useQueryClient()
  const toast = useToast()
  const [form, setForm] = useState(() => formOf(settings))
  const [isChecked, setChecked] = useState(false)
  const { mutate, isPending, error } = useMutation({
    mutationFn: (body: ApprovalSettings) => call(approvalsApi.setApprovalSettings, { body }),
    onSuccess: async saved => {
      toast({ tone: 'good', title: 'Saved' })
      queries.setQueryData(queryKeys.approvalSettings, saved)
      await queries.invalidateQueries({ queryKey: queryKeys.approvals })
    },
  })
  const faults = isChecked ? faultsOf(form) : {}
  const hasChanged = JSON.stringify(form) !== JSON.stringify(formOf(settings))
  const figure = (name: Figure, label: string, hint: ReactNode, placeholder?: string) => (
    <Field label={label} hint={hint} error={faults[name]}>
      <Input
        name={name}
        value={form[name]}
        placeholder={placeholder}
        inputMode="numeric"
        autoComplete="off"
        disabled={!mayChange}
        onChange={event => setForm({ ...form, [name]: event.target.value })}
      />
    </Field>
  )
  return (
    <form
      noValidate
      className="grid max-w-3xl gap-4"
      onSubmit={event => {
        event.preventDefault()
        setChecked(true)
        if (Object.keys(faultsOf(form)).length === 0) mutate(settingsOf(form))
      }}
    >
      {settings.is_unreadable && (
        <p role="alert" className="rounded-md bg-warn-tint px-4 py-2.5 text-sm">
          The stored settings cannot be read. Nothing is approved, and programs send nothing, until these are saved.
        </p>
      )}
      <div className="grid items-start gap-4 sm:grid-cols-2">
        {figure('approvers', 'Required approvals', 'By 1 to 5 different users.')}
        {figure('expires_hours', 'Approvals expire after (hours)', '1 to 168. Then the message is not sent.')}
        {figure(
          'fresh_sign_in_minutes',
          'Maximum sign-in age (minutes)',
          'Approving requires a sign-in this recent, 1 to 1440. If empty, any session may approve.',
          'any',
        )}
        {figure('undo_seconds', 'Undo sending for (seconds)', '0 to 120.')}
      </div>
      <Checkbox
        label="Token owners may approve what their token sends"
        hint="Otherwise another user has to."
        isChecked={form.own_tokens}
        disabled={!mayChange}
        onChange={own_tokens => setForm({ ...form, own_tokens })}
      />
      <Checkbox
        label="Require a passkey for each approval"
        hint="Users without a passkey cannot approve. They add one on their profile page."
        isChecked={form.passkey}
        disabled={!mayChange}
        onChange={passkey => setForm({ ...form, passkey })}
      />
      {error && <ErrorNote error={error} />}
      {mayChange ? (
        <div>
          <Button type="submit" isBusy={isPending} disabled={!hasChanged && !settings.is_unreadable}>
            Save
          </Button>
        </div>
      ) : (
        <p className="text-sm text-soft">Only an administrator can change these settings.</p>
      )}
    </form>
  )
}

type Figure = Exclude<keyof ApprovalForm, 'own_tokens' | 'passkey'>
