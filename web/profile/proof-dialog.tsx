/** Asks for the current password before an action; users without one just confirm. */
import type { ReactNode } from 'react'
import type { Profile } from '../../contract/profile.ts'
import { checkAll, checks } from '../access/form-checks.ts'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds } from '../ui/wait-note.tsx'
import { ProofField } from './proof-field.tsx'
import { ProofNote } from './proof-note.tsx'

const check = checkAll({ current_password: checks.password })

/** The dialog; mount it while it is open. */
export function ProofDialog({
  profile: { email, has_password: hasPassword },
  title,
  children,
  confirmLabel,
  isDangerous = false,
  doing: { error, isPending },
  onConfirm,
  onClose,
}: {
  profile: Profile
  title: string
  children: ReactNode
  confirmLabel: string
  isDangerous?: boolean
  /** The mutation that it runs. */
  doing: { error: Error | null; isPending: boolean }
  onConfirm(proof: { current_password?: string }): void
  onClose(): void
}) {
  const { form, bind, faultOf, note } = useForm({
    initial: { current_password: '' },
    check: hasPassword ? check : () => ({}),
    error,
    fieldOf: { password_wrong: 'current_password' },
    onSubmit: ({ current_password }) => onConfirm(hasPassword ? { current_password } : {}),
  })
  const mayTry = useWaitSeconds(error) === 0
  return (
    <FormDialog
      onClose={onClose}
      title={title}
      size="sm"
      submitLabel={confirmLabel}
      isDangerous={isDangerous}
      isBusy={isPending}
      isBlocked={!mayTry}
      {...form}
      method="post"
    >
      {children}
      {note && <ProofNote error={note} />}
      {hasPassword && (
        <ProofField email={email} error={faultOf('current_password')} control={bind('current_password')} />
      )}
    </FormDialog>
  )
}
