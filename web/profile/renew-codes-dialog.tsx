/** Creates new recovery codes, and shows them once. */
import type { Profile } from '../../contract/profile.ts'
import { ShownOnceDialog } from '../ui/shown-once-dialog.tsx'
import { ProofDialog } from './proof-dialog.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'
import { useProfileChanged, useRenewRecoveryCodes } from './use-profile.ts'

/** The dialog; mount it while it is open. */
export function RenewCodesDialog({ profile, onClose }: { profile: Profile; onClose(): void }) {
  const renewing = useRenewRecoveryCodes()
  const changed = useProfileChanged()
  const finish = () => {
    onClose()
    // A failed reload shows in the panel.
    void changed()
  }
  if (renewing.data) {
    return (
      <ShownOnceDialog title="New recovery codes" size="sm" doneLabel="I have saved them" onClose={finish}>
        <RecoveryCodes codes={renewing.data.recovery_codes} />
      </ShownOnceDialog>
    )
  }
  return (
    <ProofDialog
      profile={profile}
      title="New recovery codes?"
      confirmLabel="Create new codes"
      doing={renewing}
      onConfirm={proof => renewing.mutate(proof)}
      onClose={onClose}
    >
      <p>The old codes stop working.</p>
    </ProofDialog>
  )
}
