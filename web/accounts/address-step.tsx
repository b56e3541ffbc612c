/** The first step of connecting: address and password. */
import { Field, Input, PasswordInput } from '../ui/field.tsx'
import type { ConnectWizard } from './use-connect-wizard.ts'

export function AddressStep({
  wizard: { draft, faults, password, change, lookForServers },
}: {
  wizard: ConnectWizard
}) {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Field label="Address" error={faults.email}>
        <Input
          type="email"
          value={draft.email}
          onChange={event => change({ ...draft, email: event.target.value })}
          onBlur={lookForServers}
          placeholder="anna@example.org"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Field>
      <Field label="Name" hint="Shown instead of the address." isOptional error={faults.name}>
        <Input
          value={draft.name}
          onChange={event => change({ ...draft, name: event.target.value })}
          autoComplete="off"
          maxLength={100}
        />
      </Field>
      {/* The last field, so that it does not have the focus if it turns out that the provider accepts no password. */}
      {password !== 'none' && (
        <Field
          label="Password"
          hint="Stored encrypted on this server and never shown again."
          isOptional={password === 'optional'}
          error={faults['imap.password']}
        >
          <PasswordInput
            value={draft.imap.password}
            onChange={event => change({ ...draft, imap: { ...draft.imap, password: event.target.value } })}
            autoComplete="new-password"
          />
        </Field>
      )}
    </div>
  )
}
