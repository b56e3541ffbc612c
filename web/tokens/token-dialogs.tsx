/** Dialogs to create, edit, rotate and revoke a token. */
import { useState } from 'react'
import type { ApiToken } from '../../contract/tokens.ts'
import { FreezeDialog } from '../freeze/freeze-dialog.tsx'
import { formatMinute } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { useMay } from '../platform/session.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { MadeUsersChoice } from '../users/made-users.tsx'
import { PolicyDialog } from './policy-dialog.tsx'
import { bodyOf, changeOf, draftOf, emptyDraft, levelsOf } from './token-draft.ts'
import { TokenForm } from './token-form.tsx'
import { TokenSecret } from './token-secret.tsx'
import { type IssuedToken, useChangeToken, useCreateToken, useRevokeToken, useRotateToken } from './use-tokens.ts'

export type TokenDialogKind = 'edit' | 'policy' | 'freeze' | 'rotate' | 'revoke'
export interface OpenTokenDialog {
  kind: TokenDialogKind
  token: ApiToken
}

export function TokenDialogs({ dialog: { kind, token }, onClose }: { dialog: OpenTokenDialog; onClose(): void }) {
  if (kind === 'edit') return <EditTokenDialog token={token} onClose={onClose} />
  if (kind === 'policy') return <PolicyDialog token={token} onClose={onClose} />
  if (kind === 'freeze') {
    return <FreezeDialog target={{ target: 'principal', id: token.id, name: token.name }} onClose={onClose} />
  }
  if (kind === 'rotate') return <RotateDialog token={token} onClose={onClose} />
  return <RevokeDialog token={token} onClose={onClose} />
}

/** The dialog; mount it while it is open, so that the secret does not outlive it. */
export function CreateTokenDialog({ onClose }: { onClose(): void }) {
  const { clockOffsetMs } = useLiveStatus()
  const mayReadMail = useMay('mail:read')
  const [issued, setIssued] = useState<IssuedToken>()
  const { mutate, isPending, error } = useCreateToken()
  if (issued) return <TokenSecret title="Token created" issued={issued} onClose={onClose} />
  return (
    <TokenForm
      title="Create a token"
      submitLabel="Create the token"
      initial={mayReadMail ? emptyDraft : { ...emptyDraft, ...levelsOf(['dashboard:read']) }}
      isBusy={isPending}
      error={error}
      onSubmit={draft => mutate(bodyOf(draft, Date.now() + clockOffsetMs), { onSuccess: setIssued })}
      onClose={onClose}
    />
  )
}

function EditTokenDialog({ token, onClose }: { token: ApiToken; onClose(): void }) {
  const { clockOffsetMs } = useLiveStatus()
  const { mutate, isPending, error } = useChangeToken(token)
  const { expires_at: endsAt } = token
  return (
    <TokenForm
      title={`Edit ${token.name}`}
      submitLabel="Save"
      initial={draftOf(token)}
      keptExpiry={endsAt === null ? 'never' : formatMinute(Date.parse(endsAt))}
      isBusy={isPending}
      error={error}
      onSubmit={draft => {
        const change = changeOf(token, draft, Date.now() + clockOffsetMs)
        if (Object.keys(change).length === 0) return onClose()
        mutate(change, { onSuccess: onClose })
      }}
      onClose={onClose}
    />
  )
}

function RotateDialog({ token, onClose }: { token: ApiToken; onClose(): void }) {
  const { mutate, data, isPending, error } = useRotateToken(token)
  if (data) return <TokenSecret title="The new secret" issued={data} onClose={onClose} />
  return (
    <ConfirmDialog
      isOpen
      title={`Give ${token.name} a new secret?`}
      confirmLabel="Rotate"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate()}
      onClose={onClose}
    >
      <p>
        The secret that begins with <code className="font-mono">{token.prefix}</code> stops working immediately, and its
        open connections close. Name, scopes, accounts and expiry stay the same.
      </p>
    </ConfirmDialog>
  )
}

function RevokeDialog({ token, onClose }: { token: ApiToken; onClose(): void }) {
  const { mutate, isPending, isSuccess, error } = useRevokeToken(token)
  const [endsMade, setEndsMade] = useState(false)
  return (
    <ConfirmDialog
      isOpen
      title={`Revoke ${token.name}?`}
      confirmLabel="Revoke"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(endsMade, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>
        The token <code className="font-mono">{token.prefix}</code> of{' '}
        <strong className="font-semibold">{token.user_name}</strong> is rejected immediately, and its open connections
        close within a second. This cannot be undone.
      </p>
      <MadeUsersChoice
        maker={{ kind: 'token', id: token.id, name: token.name }}
        isEnded={endsMade}
        isGoing={isPending || isSuccess}
        onChange={setEndsMade}
      />
    </ConfirmDialog>
  )
}
