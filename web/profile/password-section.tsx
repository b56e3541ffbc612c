/** The user's own password. */
import { useState } from 'react'
import type { Profile } from '../../contract/profile.ts'
import { checkAll, checks } from '../access/form-checks.ts'
import { NewPasswordField } from '../access/new-password-field.tsx'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds } from '../ui/wait-note.tsx'
import { ProfileSection } from './profile-section.tsx'
import { ProofField } from './proof-field.tsx'
import { ProofNote } from './proof-note.tsx'
import { useChangePassword } from './use-profile.ts'

export function PasswordSection({ profile }: { profile: Profile }) {
  const [isOpen, setOpen] = useState(false)
  const { has_password: hasPassword } = profile
  return (
    <ProfileSection title="Password" description="Changing it ends your other sessions.">
      {hasPassword ? <StatePill tone="good">Set</StatePill> : <StatePill tone="unknown">None</StatePill>}
      <Button onClick={() => setOpen(true)}>{hasPassword ? 'Change the password' : 'Choose a password'}</Button>
      {isOpen && <PasswordDialog profile={profile} onClose={() => setOpen(false)} />}
    </ProfileSection>
  )
}

const checkNew = checkAll({ new_password: checks.newPassword })
const checkBoth = checkAll({ current_password: checks.password, new_password: checks.newPassword })

function PasswordDialog({
  profile: { email, name, has_password: hasPassword },
  onClose,
}: {
  profile: Profile
  onClose(): void
}) {
  const { mutate, error, isPending } = useChangePassword()
  const { form, bind, faultOf, note } = useForm({
    initial: { current_password: '', new_password: '' },
    check: hasPassword ? checkBoth : checkNew,
    error,
    fieldOf: { password_wrong: 'current_password', password_too_common: 'new_password' },
    onSubmit: ({ current_password, new_password }) =>
      mutate({ ...(hasPassword ? { current_password } : {}), new_password }, { onSuccess: onClose }),
  })
  const mayTry = useWaitSeconds(error) === 0
  return (
    <FormDialog
      onClose={onClose}
      title={hasPassword ? 'Change the password' : 'Choose a password'}
      size="sm"
      submitLabel={hasPassword ? 'Change' : 'Choose'}
      isBusy={isPending}
      isBlocked={!mayTry}
      {...form}
      method="post"
    >
      {note && <ProofNote error={note} />}
      {hasPassword && (
        <ProofField email={email} error={faultOf('current_password')} control={bind('current_password')} />
      )}
      <NewPasswordField
        label="New password"
        own={[email, name]}
        error={faultOf('new_password')}
        control={bind('new_password')}
      />
    </FormDialog>
  )
}
