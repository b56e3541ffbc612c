/** Edits a user's name, role and accounts; only changes are sent. */
import { useState } from 'react'
import type { User } from '../../contract/users.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useForm } from '../ui/use-form.ts'
import { type Rights, RightsFields } from './rights-fields.tsx'
import { type UserChange, useChangeUser } from './use-users.ts'

/** The dialog; mount it while it is open. */
export function EditUserDialog({ user, isLast, onClose }: { user: User; isLast: boolean; onClose(): void }) {
  const [rights, setRights] = useState<Rights>({ role: user.role, accounts: user.accounts })
  const { mutate, isPending, error } = useChangeUser(user, 'Saved')
  const { form, bind, faultOf, note } = useForm({
    initial: { name: user.name },
    check: ({ name }) => (name.trim() === '' ? { name: 'Enter a name.' } : {}),
    error,
    onSubmit: ({ name }) => {
      if (isPending) return
      const change = changeOf(user, { name: name.trim(), ...rights })
      if (Object.keys(change).length === 0) return onClose()
      mutate(change, { onSuccess: onClose })
    },
  })
  return (
    <FormDialog
      onClose={onClose}
      title={`Edit ${user.name}`}
      submitLabel="Save"
      isBusy={isPending}
      {...form}
      autoComplete="off"
    >
      {note && <ErrorNote error={note} />}
      <Field label="Name" hint={user.email} error={faultOf('name')}>
        <Input {...bind('name')} autoComplete="off" maxLength={100} />
      </Field>
      <RightsFields rights={rights} isLast={isLast} onChange={setRights} />
      <p className="text-sm text-soft">
        Changes take effect within a second, also for open connections and API tokens.
      </p>
    </FormDialog>
  )
}

/** Returns the changes; administrators see all accounts, whatever was selected before. */
export function changeOf(user: User, { name, role, accounts }: Rights & { name: string }): UserChange {
  const isSame = JSON.stringify(accounts) === JSON.stringify(user.accounts)
  return {
    ...(name !== user.name && { name }),
    ...(role !== user.role && { role }),
    ...(role !== 'administrator' && !isSame && { accounts }),
  }
}
