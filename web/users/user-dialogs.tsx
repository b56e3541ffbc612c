/** Confirmations of actions on users, and the link that a reset returns. */
import { type ReactNode, useState } from 'react'
import type { User } from '../../contract/users.ts'
import { formatCount } from '../platform/format.ts'
import { useSession } from '../platform/session.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/choice.tsx'
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx'
import { EditUserDialog } from './edit-user-dialog.tsx'
import { LinkStep } from './link-step.tsx'
import { MadeUsersChoice } from './made-users.tsx'
import { useChangeUser, useDeleteUser, useResetUser } from './use-users.ts'

export type UserDialogKind = 'edit' | 'reset' | 'disable' | 'enable' | 'delete'
export interface OpenUserDialog {
  kind: UserDialogKind
  user: User
}

interface DialogProps {
  user: User
  onClose(): void
}

export function UserDialogs({
  dialog: { kind, user },
  isLast,
  onClose,
}: {
  dialog: OpenUserDialog
  isLast: boolean
  onClose(): void
}) {
  if (kind === 'edit') return <EditUserDialog user={user} isLast={isLast} onClose={onClose} />
  if (kind === 'enable') return <EnableDialog user={user} onClose={onClose} />
  if (kind === 'reset') return <ResetDialog user={user} isLast={isLast} onClose={onClose} />
  if (isLast) return <LastAdministratorDialog user={user} onClose={onClose} />
  if (kind === 'disable') return <DisableDialog user={user} onClose={onClose} />
  return <DeleteDialog user={user} onClose={onClose} />
}

function LastAdministratorDialog({ user, onClose }: DialogProps) {
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="The last administrator is required"
      size="sm"
      footer={
        <Button variant="primary" onClick={onClose}>
          OK
        </Button>
      }
    >
      <div className="flex gap-2">
        <span className="mt-0.5">
          <ToneIcon tone="warn" />
        </span>
        <p>
          <strong className="font-semibold">{user.name}</strong> is the only administrator who can sign in. Without one,
          nobody could invite users or connect a mailbox. Make another user an administrator first.
        </p>
      </div>
    </Dialog>
  )
}

function ResetDialog({ user, isLast, onClose }: DialogProps & { isLast: boolean }) {
  const { mutate, data, isPending, error } = useResetUser(user)
  const [revokes, setRevokes] = useState(false)
  const isInvited = user.status === 'invited'
  if (data) {
    return (
      <Dialog
        isOpen
        onClose={onClose}
        title={`A new link for ${user.name}`}
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <LinkStep issued={data} />
      </Dialog>
    )
  }
  if (isLast) return <LastAdministratorDialog user={user} onClose={onClose} />
  return (
    <ConfirmDialog
      isOpen
      title={isInvited ? `Create a new link for ${user.name}?` : `Reset the sign-in of ${user.name}?`}
      confirmLabel={isInvited ? 'Create a new link' : 'Reset'}
      isDangerous={!isInvited}
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate({ revoke_tokens: revokes })}
      onClose={onClose}
    >
      {isInvited ? (
        <p>The previous link stops working.</p>
      ) : (
        <>
          <p>
            The password, the authenticator and the passkeys of <Person user={user} /> are removed
            {user.sessions > 0 && `, and ${formatCount(user.sessions, 'open session')} ended`}. You get a link for them
            to start over.
          </p>
          {user.tokens > 0 && (
            <Checkbox
              label={`Also revoke their API tokens (${user.tokens})`}
              hint="Do this if someone else may have used their account and created a token."
              isChecked={revokes}
              onChange={setRevokes}
            />
          )}
          <p className="text-sm text-soft">
            Role{user.tokens > 0 && !revokes ? ', accounts and API tokens' : ' and accounts'} and any link to the
            sign-in provider stay unchanged.
          </p>
          <OwnNote user={user}>You would be signed out immediately.</OwnNote>
        </>
      )}
    </ConfirmDialog>
  )
}

function DisableDialog({ user, onClose }: DialogProps) {
  const { mutate, isPending, error } = useChangeUser(user, 'Disabled')
  return (
    <ConfirmDialog
      isOpen
      title={`Disable ${user.name}?`}
      confirmLabel="Disable"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate({ disabled: true }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>
        <Person user={user} /> can no longer sign in
        {user.sessions > 0 && `, ${formatCount(user.sessions, 'open session')} ended`} and their API tokens are
        suspended, all within a second.
      </p>
      <p className="text-sm text-soft">Nothing is lost: you can enable them again.</p>
      <OwnNote user={user}>You would be signed out immediately.</OwnNote>
    </ConfirmDialog>
  )
}

function EnableDialog({ user, onClose }: DialogProps) {
  const { mutate, isPending, error } = useChangeUser(user, 'Enabled')
  return (
    <ConfirmDialog
      isOpen
      title={`Enable ${user.name}?`}
      confirmLabel="Enable"
      isDangerous={false}
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate({ disabled: false }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>
        <Person user={user} /> can sign in again, and their API tokens work again.
      </p>
      {user.disabled_by === 'provider' && (
        <p className="text-sm text-soft">
          They were disabled because the sign-in provider no longer grants them a role. They are disabled again if they
          sign in without one, and enabled automatically when the provider grants one.
        </p>
      )}
    </ConfirmDialog>
  )
}

function DeleteDialog({ user, onClose }: DialogProps) {
  const { mutate, isPending, isSuccess, error } = useDeleteUser(user)
  const [endsMade, setEndsMade] = useState(false)
  return (
    <ConfirmDialog
      isOpen
      title={`Delete ${user.name}?`}
      confirmLabel="Delete"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(endsMade, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>
        <Person user={user} /> is deleted permanently, with password, authenticator and passkeys. Their open sessions
        end and all their API tokens stop working within a second.
      </p>
      <p className="text-sm text-soft">
        Mail accounts stay connected, and audit entries are kept. To keep the tokens, disable the user instead.
      </p>
      <MadeUsersChoice
        maker={{ kind: 'user', id: user.id, name: user.name }}
        isEnded={endsMade}
        isGoing={isPending || isSuccess}
        onChange={setEndsMade}
      />
      <OwnNote user={user}>You would be signed out immediately.</OwnNote>
    </ConfirmDialog>
  )
}

function Person({ user: { name, email } }: { user: User }) {
  return (
    <>
      <strong className="font-semibold">{name}</strong> ({email})
    </>
  )
}

function OwnNote({ user, children }: { user: User; children: ReactNode }) {
  const { user_id: ownId } = useSession().principal
  return user.id === ownId ? <p className="text-sm font-medium text-warn">This is you. {children}</p> : null
}
