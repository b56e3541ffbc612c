/** Confirms that a client is to be disconnected. */
import type { ReactNode } from 'react'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { useToast } from '../ui/toast.tsx'
import { useDisconnect } from './use-clients.ts'

/** @param clientId Null if it has already disconnected, so that there is nothing to do. */
export function DisconnectDialog({
  clientId,
  title,
  name,
  children,
  onClose,
}: {
  clientId: string | null
  title: string
  name: string
  children: ReactNode
  onClose(): void
}) {
  const toast = useToast()
  const { mutate, isPending, error } = useDisconnect()
  const disconnect = () => {
    if (clientId === null) return onClose()
    mutate(clientId, {
      onSuccess: () => {
        toast({ tone: 'good', title: 'Disconnected', detail: name })
        onClose()
      },
    })
  }
  return (
    <ConfirmDialog
      isOpen
      title={title}
      confirmLabel="Disconnect"
      isBusy={isPending}
      error={error}
      onConfirm={disconnect}
      onClose={onClose}
    >
      <p>{children}</p>
    </ConfirmDialog>
  )
}
