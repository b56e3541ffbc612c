/** A dialog for content that is shown only once, a secret or codes: only its button closes it. */
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { CopyField } from './copy-lines.tsx'
import { Dialog } from './dialog.tsx'

/**
 * The dialog.
 * @param doneLabel Confirms that the content was saved.
 */
export function ShownOnceDialog({
  title,
  size = 'md',
  doneLabel = 'I have copied it',
  children,
  onClose,
}: {
  title: string
  size?: 'sm' | 'md' | 'lg'
  doneLabel?: string
  children: ReactNode
  onClose(): void
}) {
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      size={size}
      isDismissable={false}
      footer={
        <Button variant="primary" onClick={onClose}>
          {doneLabel}
        </Button>
      }
    >
      {children}
    </Dialog>
  )
}

/** Shows the secret with which a receiver verifies signed requests. */
export function SigningSecretDialog({
  title,
  label,
  secret,
  onClose,
}: {
  title: string
  label: string
  secret: string
  onClose(): void
}) {
  return (
    <ShownOnceDialog title={title} onClose={onClose}>
      <CopyField
        label={label}
        text={secret}
        hint="It is shown only once. Your program verifies signatures with it, as Standard Webhooks describes."
      />
    </ShownOnceDialog>
  )
}
