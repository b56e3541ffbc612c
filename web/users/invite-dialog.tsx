/** Invites a user: name, role and accounts, and then the link to pass on. */
import { useState } from 'react'
import type { UserLink } from '../../contract/users.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { type Faults, useForm } from '../ui/use-form.ts'
import { LinkStep } from './link-step.tsx'
import { type Rights, RightsFields } from './rights-fields.tsx'
import { useInvite } from './use-users.ts'

/** The dialog; mount it while it is open, so that none of its state outlives it. */
export function InviteDialog({ onClose }: { onClose(): void }) {
  const [issued, setIssued] = useState<UserLink>()
  if (!issued) return <InviteForm onIssued={setIssued} onClose={onClose} />
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`${issued.user.name} is invited`}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <LinkStep issued={issued} />
    </Dialog>
  )
}

function InviteForm({ onIssued, onClose }: { onIssued(issued: UserLink): void; onClose(): void }) {
  const [rights, setRights] = useState<Rights>({ role: 'viewer', accounts: [] })
  const { mutate, isPending, error } = useInvite()
  const { form, bind, faultOf, note } = useForm<'name' | 'email'>({
    initial: { name: '', email: '' },
    check,
    error,
    fieldOf: { user_exists: 'email' },
    onSubmit: ({ name, email }) => {
      if (isPending) return
      const accounts = rights.role === 'administrator' ? 'all' : rights.accounts
      mutate({ name: name.trim(), email: email.trim(), role: rights.role, accounts }, { onSuccess: onIssued })
    },
  })
  const isOfAccounts = error instanceof ApiProblem && error.code === 'account_not_found'
  return (
    <FormDialog
      onClose={onClose}
      title="Invite a user"
      submitLabel="Create the link"
      isBusy={isPending}
      {...form}
      autoComplete="off"
    >
      {note && !isOfAccounts && <ErrorNote error={note} />}
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Name" error={faultOf('name')}>
          <Input {...bind('name')} autoComplete="off" maxLength={100} />
        </Field>
        <Field label="Email" hint="They sign in with it." error={faultOf('email')}>
          <Input {...bind('email')} type="email" autoComplete="off" autoCapitalize="none" spellCheck={false} />
        </Field>
      </div>
      <RightsFields rights={rights} accountsFault={isOfAccounts ? error.body.detail : undefined} onChange={setRights} />
    </FormDialog>
  )
}

function check({ name, email }: { name: string; email: string }): Faults<'name' | 'email'> {
  return {
    ...(name.trim() === '' && { name: 'Enter a name.' }),
    ...(!/^[^@\s]+@[^@\s]+$/.test(email.trim()) && { email: 'Enter the full address, such as anna@example.org' }),
  }
}
