/** Asks for a recent sign-in before approving; each way to sign in returns to the reviewed item. */
import { KeyRound, LogIn } from 'lucide-react'
import { checkAll, checks } from '../access/form-checks.ts'
import { oidcAddress } from '../access/oidc-return.ts'
import { hasPasskeys, passkeyWords } from '../access/passkeys.ts'
import { SecondFactorStep } from '../access/second-factor-step.tsx'
import { usePasskeySignIn, usePasswordSignIn, useSignInState } from '../access/use-sign-in.ts'
import { ProofField } from '../profile/proof-field.tsx'
import { useProfile } from '../profile/use-profile.ts'
import { Button, ButtonAnchor } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds, WaitNote } from '../ui/wait-note.tsx'

const check = checkAll({ password: checks.password })

/** @param purpose What it is for; approving by default. */
export function SignInAgainDialog({
  onClose,
  purpose = {
    title: 'Sign in again to approve',
    words: 'Approving requires a recent sign-in. You return here afterwards; nothing is approved yet.',
  },
}: {
  onClose(): void
  purpose?: { title: string; words: string }
}) {
  const { data: profile } = useProfile()
  const { data: state } = useSignInState()
  const signing = usePasswordSignIn()
  const passkey = usePasskeySignIn(false)
  const mayUsePasskey = state?.passkeys === true && hasPasskeys && (profile?.passkeys.length ?? 0) > 0
  return (
    <Dialog isOpen onClose={onClose} title={purpose.title} size="sm">
      {!profile && <SkeletonRows count={2} />}
      {profile && (
        <div className="grid gap-4">
          <p className="text-sm text-soft">{purpose.words}</p>
          {signing.challenge !== undefined && (
            <SecondFactorStep
              challenge={signing.challenge}
              sending={signing.secondFactor}
              onStartAnew={signing.startAnew}
            />
          )}
          {signing.challenge === undefined && profile.has_password && (
            <PasswordStep email={profile.email} sending={signing.password} />
          )}
          {mayUsePasskey && (
            <Button icon={KeyRound} isBusy={passkey.isAsking} onClick={passkey.ask}>
              Sign in with a passkey
            </Button>
          )}
          {passkey.error && <WaitNote error={passkey.error} words={passkeyWords(passkey.error)} />}
          {profile.oidc && state?.oidc && (
            <ButtonAnchor href={oidcAddress()}>Continue with {state.oidc.name}</ButtonAnchor>
          )}
        </div>
      )}
    </Dialog>
  )
}

function PasswordStep({
  email,
  sending,
}: {
  email: string
  sending: ReturnType<typeof usePasswordSignIn>['password']
}) {
  const { form, bind, faultOf, note } = useForm({
    initial: { password: '' },
    check,
    error: sending.error,
    again: 'password',
    onSubmit: ({ password }) => sending.mutate({ email, password }),
  })
  const mayTry = useWaitSeconds(sending.error) === 0
  return (
    <form {...form} method="post" className="grid gap-4">
      {note && <WaitNote error={note} />}
      <ProofField email={email} error={faultOf('password')} control={bind('password')} />
      <Button variant="primary" type="submit" icon={LogIn} isBusy={sending.isPending} disabled={!mayTry}>
        Sign in
      </Button>
    </form>
  )
}
