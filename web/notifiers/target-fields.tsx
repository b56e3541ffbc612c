/** The target of a notifier: fields by kind, with instructions for the service. */
import { useId } from 'react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { Checkbox, Radios } from '../ui/choice.tsx'
import { describedByNotes, Field, FieldNotes, Input, PasswordInput, Select } from '../ui/field.tsx'
import { useUsers } from '../users/use-users.ts'
import type { NotifierDraft } from './notifier-draft.ts'
import { fieldsOfKind } from './notifier-words.ts'

interface TargetProps {
  draft: NotifierDraft
  isNew: boolean
  faultOf(name: string): string | undefined
  onChange(part: Partial<NotifierDraft>): void
}

export function TargetFields(props: TargetProps) {
  const { draft, isNew, faultOf, onChange } = props
  const set = (name: string) => (event: { target: { value: string } }) =>
    onChange({ fields: { ...draft.fields, [name]: event.target.value } })
  if (draft.kind === 'email') return <EmailFields {...props} set={set} />
  if (draft.kind === 'web_push') return <PushFields {...props} />
  return (
    <>
      {fieldsOfKind[draft.kind]?.map(({ name, label, hint, isSecret = false, isOptional = false, placeholder }) => {
        const isKept = isSecret && !isNew
        const shared = { placeholder, value: draft.fields[name] ?? '', onChange: set(name) }
        return (
          <Field
            key={name}
            label={label}
            hint={isKept ? `${hint} Leave empty to keep it.` : hint}
            isOptional={isOptional}
            error={faultOf(name)}
          >
            {isSecret ? <PasswordInput {...shared} autoComplete="off" /> : <Input {...shared} />}
          </Field>
        )
      })}
    </>
  )
}

type Set = (name: string) => (event: { target: { value: string } }) => void

function EmailFields({ draft, isNew, faultOf, onChange, set }: TargetProps & { set: Set }) {
  const accounts = useAccounts()
  const { fields, isOwnServer } = draft
  const sending = (accounts.data?.items ?? []).filter(({ smtp }) => smtp !== null)
  const accountId = fields.account_id ?? ''
  return (
    <>
      <Field label="To" hint="Addresses, separated by commas." error={faultOf('to')}>
        <Input
          inputMode="email"
          autoCapitalize="none"
          spellCheck={false}
          value={fields.to ?? ''}
          onChange={set('to')}
        />
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
        <ServerFields {...{ fields, isNew, faultOf, set }} />
      ) : (
        <Field
          label="Account"
          hint={
            accounts.data && sending.length === 0
              ? 'No account can send mail yet: add an SMTP server to one, or choose another SMTP server here.'
              : 'Alerts about this account itself are not mailed by it.'
          }
          error={faultOf('account_id')}
        >
          <Select value={accountId} onChange={set('account_id')}>
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

type ServerProps = Pick<TargetProps, 'isNew' | 'faultOf'> & { fields: Record<string, string>; set: Set }

function ServerFields({ fields, isNew, faultOf, set }: ServerProps) {
  const text = (name: string) => ({ value: fields[name] ?? '', onChange: set(name) })
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Server" error={faultOf('smtp_host')}>
        <Input autoCapitalize="none" spellCheck={false} placeholder="smtp.example.org" {...text('smtp_host')} />
      </Field>
      <Field label="Port" error={faultOf('smtp_port')}>
        <Input inputMode="numeric" placeholder="465" {...text('smtp_port')} />
      </Field>
      <Field label="Security">
        <Select value={fields.smtp_tls ?? 'implicit'} onChange={set('smtp_tls')}>
          <option value="implicit">TLS</option>
          <option value="starttls">STARTTLS</option>
          <option value="none">None (this machine only)</option>
        </Select>
      </Field>
      <Field label="Sender" error={faultOf('from')}>
        <Input
          inputMode="email"
          autoCapitalize="none"
          spellCheck={false}
          placeholder="alerts@example.org"
          {...text('from')}
        />
      </Field>
      <Field label="User" error={faultOf('smtp_user')}>
        <Input autoComplete="off" {...text('smtp_user')} />
      </Field>
      <Field label="Password" hint={isNew ? undefined : 'Leave empty to keep it.'} error={faultOf('smtp_password')}>
        <PasswordInput {...text('smtp_password')} />
      </Field>
    </div>
  )
}

function PushFields({ draft, faultOf, onChange }: TargetProps) {
  const id = useId()
  const error = faultOf('user_ids')
  const users = useUsers()
  const { userIds } = draft
  return (
    <fieldset
      className="grid"
      data-faulty={error === undefined ? undefined : ''}
      aria-describedby={describedByNotes({ id, hint: undefined, error })}
    >
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
      <FieldNotes id={id} hint={undefined} error={error} />
    </fieldset>
  )
}
