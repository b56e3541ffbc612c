/** Adds a passkey: its name, the current password, and then the browser's dialog. */
import type { Profile } from '../../contract/profile.ts'
import { checkAll, checks } from '../access/form-checks.ts'
import { passkeyWords } from '../access/passkeys.ts'
import { agentWords } from '../platform/agent-words.ts'
import { Field, Input } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds } from '../ui/wait-note.tsx'
import { ProofField } from './proof-field.tsx'
import { ProofNote } from './proof-note.tsx'
import { useAddPasskey } from './use-profile.ts'

const checkName = checkAll({ name: checks.name })
const checkBoth = checkAll({ name: checks.name, current_password: checks.password })

/** The dialog; mount it while it is open. */
export function AddPasskeyDialog({
  profile: { email, has_password: hasPassword },
  onClose,
}: {
  profile: Profile
  onClose(): void
}) {
  const { mutate, error, isPending } = useAddPasskey()
  const { form, bind, faultOf, note } = useForm({
    initial: { name: agentWords(navigator.userAgent), current_password: '' },
    check: hasPassword ? checkBoth : checkName,
    error,
    fieldOf: { password_wrong: 'current_password' },
    onSubmit: ({ name, current_password }) =>
      mutate({ name: name.trim(), ...(hasPassword ? { current_password } : {}) }, { onSuccess: onClose }),
  })
  const mayTry = useWaitSeconds(error) === 0
  return (
    <FormDialog
      onClose={onClose}
      title="Add a passkey"
      size="sm"
      submitLabel={isPending ? 'Waiting for the browser' : 'Add'}
      isBusy={isPending}
      isBlocked={!mayTry}
      {...form}
      method="post"
    >
      {note && <ProofNote error={note} words={passkeyWords(note)} />}
      <Field label="Name" hint="Helps you recognize it later." error={faultOf('name')}>
        <Input {...bind('name')} autoComplete="off" maxLength={100} />
      </Field>
      {hasPassword && (
        <ProofField email={email} error={faultOf('current_password')} control={bind('current_password')} />
      )}
    </FormDialog>
  )
}
