/** The user's own passkeys. */
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import type { Passkey, Profile } from '../../contract/profile.ts'
import { hasPasskeys } from '../access/passkeys.ts'
import { useSignInState } from '../access/use-sign-in.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { AddPasskeyDialog } from './add-passkey-dialog.tsx'
import { ProfileSection } from './profile-section.tsx'
import { ProofDialog } from './proof-dialog.tsx'
import { useRemovePasskey } from './use-profile.ts'

export function PasskeySection({ profile }: { profile: Profile }) {
  const [open, setOpen] = useState<'add' | Passkey>()
  const worksHere = useSignInState().data?.passkeys
  const close = () => setOpen(undefined)
  const { passkeys } = profile
  return (
    <ProfileSection
      title="Passkeys"
      description="Sign in with your fingerprint, your face or a security key. There is nothing to remember, and nothing for a fake page to steal."
    >
      {passkeys.length > 0 && (
        <ul className="w-full rounded-md border">
          {passkeys.map(passkey => (
            <PasskeyRow key={passkey.id} passkey={passkey} onRemove={() => setOpen(passkey)} />
          ))}
        </ul>
      )}
      {worksHere === false && (
        <p className="text-sm text-soft">
          Passkeys need HTTPS and a host name. They do not work at the current address.
        </p>
      )}
      {worksHere && !hasPasskeys && <p className="text-sm text-soft">This browser does not support passkeys.</p>}
      {worksHere && hasPasskeys && (
        <Button icon={Plus} onClick={() => setOpen('add')}>
          Add a passkey
        </Button>
      )}
      {open === 'add' && <AddPasskeyDialog profile={profile} onClose={close} />}
      {open !== undefined && open !== 'add' && <RemoveDialog profile={profile} passkey={open} onClose={close} />}
    </ProfileSection>
  )
}

function PasskeyRow({
  passkey: { name, is_backed_up: isBackedUp, created_at: createdAt, last_used_at: lastUsedAt },
  onRemove,
}: {
  passkey: Passkey
  onRemove(): void
}) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b p-3 last:border-b-0">
      <KeyRound className="size-4 shrink-0 text-muted" aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          {name}
          {isBackedUp && <Badge>Synced</Badge>}
        </p>
        <p className="text-xs text-muted">
          Added <RelativeTime at={createdAt} />,{' '}
          {lastUsedAt ? (
            <>
              used <RelativeTime at={lastUsedAt} />
            </>
          ) : (
            'not used yet'
          )}
        </p>
      </div>
      <Button size="sm" onClick={onRemove}>
        Remove<span className="sr-only">: {name}</span>
      </Button>
    </li>
  )
}

function RemoveDialog({ profile, passkey, onClose }: { profile: Profile; passkey: Passkey; onClose(): void }) {
  const removing = useRemovePasskey(passkey)
  return (
    <ProofDialog
      profile={profile}
      title={`Remove ${passkey.name}?`}
      confirmLabel="Remove"
      isDangerous
      doing={removing}
      onConfirm={proof => removing.mutate(proof, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>It can no longer sign you in. Also delete it on your device or in your password manager.</p>
    </ProofDialog>
  )
}
