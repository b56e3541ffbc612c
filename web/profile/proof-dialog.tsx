/** Asks for the current password before it does something; without one, for a yes. */
import { type ReactNode, useId } from 'react'
import type { Profile } from '../../contract/profile.ts'
import { checkAll, checks } from '../access/form-checks.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds } from '../ui/wait-note.tsx'
import { ProofField } from './proof-field.tsx'
import { ProofNote } from './proof-note.tsx'

const check = checkAll({ current_password: checks.password })

/** Mounted while it is open. */
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
  /** The request that follows. */
  doing: { error: Error | null; isPending: boolean }
  onConfirm(proof: { current_password?: string }): void
  onClose(): void
}) {
  const id = useId()
  const { form, bind, faultOf, note } = useForm({
    initial: { current_password: '' },
    check: hasPassword ? check : () => ({}),
    error,
    fieldOf: { password_wrong: 'current_password' },
    onSubmit: ({ current_password }) => onConfirm(hasPassword ? { current_password } : {}),
  })
  const mayTry = useWaitSeconds(error) === 0
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      size="sm"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant={isDangerous ? 'danger' : 'primary'}
            type="submit"
            form={id}
            isBusy={isPending}
            disabled={!mayTry}
          >
            {confirmLabel}
          </Button>
        </>
      }
    >
      <form {...form} id={id} method="post" className="grid gap-4">
        {children}
        {note && <ProofNote error={note} />}
        {hasPassword && (
          <ProofField email={email} error={faultOf('current_password')} control={bind('current_password')} />
        )}
      </form>
    </Dialog>
  )
}
