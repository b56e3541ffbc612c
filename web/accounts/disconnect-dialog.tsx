/** Confirms that an account is to be disconnected. */
import type { Account } from '../../contract/accounts.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { useDisconnectAccount } from './use-accounts.ts'

/** The dialog; mount it while it is open. */
export function DisconnectDialog({ account, onClose }: { account: Account; onClose(): void }) {
  const { mutate, isPending, error } = useDisconnectAccount(account)
  const { name, email, is_default: isDefault, is_sandbox: isSandbox } = account
  return (
    <ConfirmDialog
      isOpen
      title={`Disconnect ${name}?`}
      confirmLabel="Disconnect"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>
        RustyMail closes its connections to <strong className="font-semibold">{email}</strong> and forgets the password.
      </p>
      <p className="text-sm text-soft">
        {isSandbox
          ? 'The sandbox server keeps running until RustyMail stops.'
          : 'Mail on the server stays as it is. Programs lose access to this account.'}
      </p>
      {isDefault && <p className="text-sm text-soft">It is the default account; another one becomes the default.</p>}
    </ConfirmDialog>
  )
}
