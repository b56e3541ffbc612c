/** Whether the account sends mail, and over which server. */
import { Switch } from '../ui/field.tsx'
import type { AccountDraft, Faults } from './account-draft.ts'
import { ServerFields } from './server-fields.tsx'

export function SmtpSection({
  draft,
  faults,
  hasPassword = true,
  passwordHint,
  onChange,
}: {
  draft: AccountDraft
  faults: Faults
  hasPassword?: boolean
  passwordHint: string
  onChange(draft: AccountDraft): void
}) {
  return (
    <div className="grid gap-4 border-t pt-4">
      <Switch
        label="Add an outgoing server (SMTP)"
        hint="Needed to send mail from this account."
        isOn={draft.hasSmtp}
        onChange={hasSmtp => onChange({ ...draft, hasSmtp })}
      />
      {draft.hasSmtp && (
        <ServerFields
          part="smtp"
          legend="Outgoing mail (SMTP)"
          server={draft.smtp}
          faults={faults}
          hasPassword={hasPassword}
          passwordHint={passwordHint}
          onChange={smtp => onChange({ ...draft, smtp })}
        />
      )}
    </div>
  )
}
