/** A dialog around one form: its primary button submits the form, the other one closes the dialog. */
import { type ComponentProps, type FormEvent, type ReactNode, useEffect, useId } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

interface FormDialogProps extends Omit<ComponentProps<'form'>, 'id' | 'title' | 'onSubmit'> {
  title: string
  submitLabel: string
  size?: 'sm' | 'md' | 'lg'
  isDangerous?: boolean
  isBusy?: boolean
  /** Disables the primary button, while input is missing or something is pending. */
  isBlocked?: boolean
  /** Buttons before the standard two. */
  moreButtons?: ReactNode
  onSubmit(event: FormEvent): void
  onClose(): void
}

/** The dialog; mount it while it is open. */
export function FormDialog({
  title,
  submitLabel,
  size = 'md',
  isDangerous = false,
  isBusy = false,
  isBlocked = false,
  moreButtons,
  onSubmit,
  onClose,
  ...form
}: FormDialogProps) {
  const id = useId()
  // Scrolls to the error, which may be out of view in a small window.
  useEffect(() => {
    if (!isBusy) document.getElementById(id)?.querySelector('[role="alert"]')?.scrollIntoView({ block: 'nearest' })
  }, [id, isBusy])
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      size={size}
      keepsInput
      footer={
        <>
          {moreButtons}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant={isDangerous ? 'danger' : 'primary'}
            type="submit"
            form={id}
            isBusy={isBusy}
            disabled={isBlocked}
          >
            {submitLabel}
          </Button>
        </>
      }
    >
      <form
        className="grid gap-4"
        {...form}
        id={id}
        onSubmit={event => {
          event.preventDefault()
          onSubmit(event)
        }}
      />
    </Dialog>
  )
}
