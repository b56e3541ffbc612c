/** A dialog around one form: its main button submits the form, the other one closes the dialog. */
import { type ComponentProps, type FormEvent, type ReactNode, useEffect, useId } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

interface FormDialogProps extends Omit<ComponentProps<'form'>, 'id' | 'title' | 'onSubmit'> {
  title: string
  submitLabel: string
  size?: 'sm' | 'md' | 'lg'
  isDangerous?: boolean
  isBusy?: boolean
  /** The main button takes no click: something is missing, or has to be waited for. */
  isBlocked?: boolean
  /** Before the two buttons. */
  moreButtons?: ReactNode
  onSubmit(event: FormEvent): void
  onClose(): void
}

/** Mounted while it is open. */
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
  // What went wrong may stand where a small window does not show it.
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
