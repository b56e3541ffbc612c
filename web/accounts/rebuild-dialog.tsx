/** Confirms that the index of an account is to be rebuilt. */
import type { Account } from '../../contract/accounts.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { useRebuildIndex } from './use-index.ts'

/** The dialog; mount it while it is open. */
export function RebuildDialog({
  account,
  isConnected,
  onClose,
}: {
  account: Account
  isConnected: boolean
  onClose(): void
}) {
  const { mutate, isPending, error } = useRebuildIndex(account)
  return (
    <ConfirmDialog
      isOpen
      title={`Rebuild the index of ${account.name}?`}
      confirmLabel="Rebuild index"
      isDangerous={false}
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>RustyMail discards the index of this account and reads its folders again.</p>
      <p className="text-sm text-soft">
        Nothing is lost: all mail stays on the mail server. Until the index is complete, lists of threads lack messages.
      </p>
      {!isConnected && (
        <p className="text-sm text-soft">The account is not connected now. Its index stays empty until it is.</p>
      )}
    </ConfirmDialog>
  )
}
