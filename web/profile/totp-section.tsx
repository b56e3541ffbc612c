/** The authenticator, as a second step after the password, and its recovery codes. */
import { useState } from 'react'
import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../platform/format.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { ProfileSection } from './profile-section.tsx'
import { ProofDialog } from './proof-dialog.tsx'
import { RenewCodesDialog } from './renew-codes-dialog.tsx'
import { TotpDialog } from './totp-dialog.tsx'
import { useRemoveTotp } from './use-profile.ts'

/** Number of remaining codes from which a warning is shown. */
const fewCodes = 3

export function TotpSection({ profile }: { profile: Profile }) {
  const [open, setOpen] = useState<'set-up' | 'renew' | 'remove'>()
  const close = () => setOpen(undefined)
  const { has_totp: hasTotp, recovery_codes_left: left } = profile
  return (
    <ProfileSection
      title="Authenticator"
      description="An app that shows a new code every 30 seconds. You enter it after the password, so the password alone is not enough to sign in."
    >
      {hasTotp ? (
        <>
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
            <StatePill tone="good">On</StatePill>
            <span className={left < fewCodes ? 'text-warn' : 'text-soft'}>
              {formatCount(left, 'recovery code')} left
            </span>
          </p>
          <div className="flex flex-wrap gap-2">
            <Button onClick={() => setOpen('renew')}>New recovery codes</Button>
            <Button onClick={() => setOpen('remove')}>Turn it off…</Button>
          </div>
        </>
      ) : (
        <>
          <StatePill tone="unknown">Off</StatePill>
          <Button onClick={() => setOpen('set-up')}>Set up an authenticator</Button>
        </>
      )}
      {open === 'set-up' && <TotpDialog profile={profile} onClose={close} />}
      {open === 'renew' && <RenewCodesDialog profile={profile} onClose={close} />}
      {open === 'remove' && <RemoveDialog profile={profile} onClose={close} />}
    </ProfileSection>
  )
}

function RemoveDialog({ profile, onClose }: { profile: Profile; onClose(): void }) {
  const removing = useRemoveTotp()
  return (
    <ProofDialog
      profile={profile}
      title="Turn off the authenticator?"
      confirmLabel="Turn it off"
      isDangerous
      doing={removing}
      onConfirm={proof => removing.mutate(proof, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>After that, the password alone is enough to sign in, and the recovery codes are no longer valid.</p>
    </ProofDialog>
  )
}
