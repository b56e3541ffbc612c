/** The error of a form in the profile; users without a password may have to sign in again first. */
import { KeyRound } from 'lucide-react'
import { oidcAddress } from '../access/oidc-return.ts'
import { hasPasskeys, passkeyWords } from '../access/passkeys.ts'
import { usePasskeySignIn, useSignInState } from '../access/use-sign-in.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { Button, ButtonAnchor } from '../ui/button.tsx'
import { FaultNote } from '../ui/error-state.tsx'
import { WaitNote } from '../ui/wait-note.tsx'
import { useProfile } from './use-profile.ts'

/** @param words Replaces the server's words, where the page knows better. */
export function ProofNote({ error, words }: { error: Error; words?: { title: string; detail: string } | undefined }) {
  if (error instanceof ApiProblem && error.code === 'recent_sign_in_required') return <SignInAgain />
  return <WaitNote error={error} words={words} />
}

/** Each way to sign in returns to this page. */
function SignInAgain() {
  const { data: profile } = useProfile()
  const { data: state } = useSignInState()
  const passkey = usePasskeySignIn(false)
  const provider = profile?.oidc ? state?.oidc?.name : undefined
  const mayUsePasskey = state?.passkeys === true && hasPasskeys && (profile?.passkeys.length ?? 0) > 0
  const words = passkeyWords(passkey.error)
  return (
    <>
      <FaultNote
        title="Sign in again first"
        detail={
          provider !== undefined || mayUsePasskey
            ? 'You have no password to confirm with, so you must have signed in within the last 10 minutes. You return to this page afterwards.'
            : 'You have no password to confirm with, so you must have signed in within the last 10 minutes. Sign out and sign in again.'
        }
        aside={
          <div className="mt-1 flex flex-wrap gap-2">
            {provider !== undefined && (
              <ButtonAnchor variant="primary" href={oidcAddress()}>
                Sign in again with {provider}
              </ButtonAnchor>
            )}
            {mayUsePasskey && (
              <Button icon={KeyRound} isBusy={passkey.isAsking} onClick={passkey.ask}>
                Sign in again with a passkey
              </Button>
            )}
          </div>
        }
      />
      {passkey.error && <WaitNote error={passkey.error} words={words} />}
    </>
  )
}
