/** Where a notifier leads: fields by its kind, with what to do at the service. */
import { useAccounts } from '../accounts/use-accounts.ts'
import { Checkbox, Radios } from '../ui/choice.tsx'
import { Field, Input, PasswordInput, Select } from '../ui/field.tsx'
import { useUsers } from '../users/use-users.ts'
import type { NotifierDraft } from './notifier-draft.ts'
import { fieldsOfKind } from './notifier-words.ts'

interface TargetProps {
  draft: NotifierDraft
  isNew: boolean
  onChange(part: Partial<NotifierDraft>): void
}

export function TargetFields({ draft, isNew, onChange }: TargetProps) {
  const set = (name: string) => (event: { target: { value: string } }) =>
    onChange({ fields: { ...draft.fields, [name]: event.target.value } })
  if (draft.kind === 'email') return <EmailFields draft={draft} isNew={isNew} onChange={onChange} set={set} />
  if (draft.kind === 'web_push') return <PushFields draft={draft} onChange={onChange} />
  return (
    <>
      {fieldsOfKind[draft.kind]?.map(({ name, label, hint, isSecret = false, isOptional = false, placeholder }) => {
        const isKept = isSecret && !isNew
        const isNeeded = !isOptional && !isKept && name !== 'server'
        const shared = { required: isNeeded, placeholder, value: draft.fields[name] ?? '', onChange: set(name) }
        return (
          <Field
            key={name}
            label={label}
            hint={isKept ? `${hint} Left empty, it stays as it is.` : hint}
            isOptional={isOptional}
          >
            {isSecret ? <PasswordInput {...shared} autoComplete="off" /> : <Input {...shared} />}
          </Field>
        )
      })}
    </>
  )
}

type Set = (name: string) => (event: { target: { value: string } }) => void

function EmailFields({ draft, isNew, onChange, set }: TargetProps & { set: Set }) {
  const accounts = useAccounts()
  const { fields, isOwnServer } = draft
  const sending = (accounts.data?.items ?? []).filter(({ smtp }) => smtp !== null)
  const accountId = fields.account_id ?? ''
  return (
    <>
      <Field label="To" hint="Addresses, separated by commas.">
        <Input required value={fields.to ?? ''} onChange={set('to')} />
      </Field>
      <Radios
        legend="Sent by"
        value={isOwnServer ? 'server' : 'account'}
        choices={[
          { value: 'account', label: 'An account of RustyMail' },
          { value: 'server', label: 'Another SMTP server' },
        ]}
        onChange={by => onChange({ isOwnServer: by === 'server' })}
      />
      {isOwnServer ? (
        <ServerFields fields={fields} isNew={isNew} set={set} />
      ) : (
        <Field label="Account" hint="Alerts about this account itself are not mailed by it.">
          <Select required value={accountId} onChange={set('account_id')}>
            <option value="">Choose an account</option>
            {sending.map(({ id, name, email }) => (
              <option key={id} value={id}>
                {name || email}
              </option>
            ))}
          </Select>
        </Field>
      )}
    </>
  )
}

function ServerFields({ fields, isNew, set }: { fields: Record<string, string>; isNew: boolean; set: Set }) {
  const text = (name: string) => ({ value: fields[name] ?? '', onChange: set(name) })
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Server">
        <Input required placeholder="smtp.example.org" {...text('smtp_host')} />
      </Field>
      <Field label="Port">
        <Input type="number" min={1} max={65535} placeholder="465" {...text('smtp_port')} />
      </Field>
      <Field label="Security">
        <Select value={fields.smtp_tls ?? 'implicit'} onChange={set('smtp_tls')}>
          <option value="implicit">TLS</option>
          <option value="starttls">STARTTLS</option>
          <option value="none">none (this machine only)</option>
        </Select>
      </Field>
      <Field label="Sender">
        <Input required type="email" placeholder="alerts@example.org" {...text('from')} />
      </Field>
      <Field label="User">
        <Input required autoComplete="off" {...text('smtp_user')} />
      </Field>
      <Field label="Password" hint={isNew ? undefined : 'Left empty, it stays as it is.'}>
        <PasswordInput required={isNew} {...text('smtp_password')} />
      </Field>
    </div>
  )
}

function PushFields({ draft, onChange }: Omit<TargetProps, 'isNew'>) {
  const users = useUsers()
  const { userIds } = draft
  return (
    <fieldset className="grid">
      <legend className="mb-1 text-sm font-medium">Users</legend>
      <p className="mb-1 text-xs text-muted">
        Each is notified in the browsers and on the phones that they added in their profile.
      </p>
      {users.data?.items.map(({ id, name }) => (
        <Checkbox
          key={id}
          label={name}
          isChecked={userIds.includes(id)}
          onChange={isChecked =>
            onChange({ userIds: isChecked ? [...userIds, id] : userIds.filter(each => each !== id) })
          }
        />
      ))}
    </fieldset>
  )
}
