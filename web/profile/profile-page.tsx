/** The user's own account: name, password, second factor, passkeys, notifications, and sessions. */
import { useOidcFault } from '../access/oidc-return.ts'
import { useSignInState } from '../access/use-sign-in.ts'
import { PushPanel } from '../push/push-panel.tsx'
import { FaultNote } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { NameSection } from './name-section.tsx'
import { OwnSessions } from './own-sessions.tsx'
import { PasskeySection } from './passkey-section.tsx'
import { PasswordSection } from './password-section.tsx'
import { TotpSection } from './totp-section.tsx'
import { useProfile } from './use-profile.ts'

export function ProfilePage() {
  const profile = useProfile()
  // A user redirected to sign in again may return without having done so.
  const fault = useOidcFault(useSignInState().data?.oidc?.name)
  return (
    <>
      <PageHeader title="Profile" description="Your name, how you sign in, and which devices are notified." />
      <div className="grid gap-4">
        {fault && <FaultNote {...fault} />}
        <Panel query={profile}>
          {person => (
            <>
              <NameSection key={person.name} profile={person} />
              <PasswordSection profile={person} />
              <TotpSection profile={person} />
              <PasskeySection profile={person} />
            </>
          )}
        </Panel>
        <PushPanel />
        <OwnSessions />
      </div>
    </>
  )
}
