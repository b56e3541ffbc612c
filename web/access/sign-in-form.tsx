/** Sign-in by address and password, with the other ways beside it. */
import { KeyRound, LogIn } from 'lucide-react'
import type { SignInState } from '../../contract/access.ts'
import { Button, ButtonAnchor } from '../ui/button.tsx'
import { FaultNote } from '../ui/error-state.tsx'
import { Field, Input, PasswordInput } from '../ui/field.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds, WaitNote } from '../ui/wait-note.tsx'
import { checkAll, checks } from './form-checks.ts'
import { oidcAddress, useOidcFault } from './oidc-return.ts'
import { hasPasskeys, passkeyWords } from './passkeys.ts'
import { sessionEndWords } from './session-end-words.ts'
import { usePasskeySignIn, type usePasswordSignIn } from './use-sign-in.ts'

const check = checkAll({ email: checks.email, password: checks.password })
const tooSlow = {
  title: 'The second step timed out',
  detail: 'It allows 5 minutes and a few attempts. Start again with your password.',
}

export function SignInForm({
  state,
  sending,
  wasTooSlow,
}: {
  state: SignInState | undefined
  sending: ReturnType<typeof usePasswordSignIn>['password']
  wasTooSlow: boolean
}) {
  const oidcFault = useOidcFault(state?.oidc?.name)
  const passkey = usePasskeySignIn(state?.passkeys === true)
  const { form, bind, faultOf, note } = useForm({
    initial: { email: '', password: '' },
    check,
    error: sending.error,
    again: 'password',
    onSubmit: ({ email, password }) => sending.mutate({ email: email.trim(), password }),
  })
  const mayTry = useWaitSeconds(sending.error) === 0
  const ended = state?.session_end ? sessionEndWords[state.session_end] : undefined
  const wordsOfPage = wasTooSlow ? tooSlow : (oidcFault ?? ended)
  return (
    <>
      {wordsOfPage && !sending.error && !passkey.error && <FaultNote {...wordsOfPage} />}
      <form {...form} method="post" className="grid gap-4">
        {note && <WaitNote error={note} />}
        <Field label="Email" error={faultOf('email')}>
          <Input
            {...bind('email')}
            type="email"
            autoComplete="username webauthn"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={254}
          />
        </Field>
        <Field label="Password" error={faultOf('password')}>
          <PasswordInput {...bind('password')} autoComplete="current-password" maxLength={256} />
        </Field>
        <Button variant="primary" type="submit" icon={LogIn} isBusy={sending.isPending} disabled={!mayTry}>
          Sign in
        </Button>
      </form>
      <OtherWays state={state} passkey={passkey} />
      <p className="text-xs text-muted">Locked out? Ask an administrator for a new link.</p>
    </>
  )
}

function OtherWays({
  state,
  passkey,
}: {
  state: SignInState | undefined
  passkey: ReturnType<typeof usePasskeySignIn>
}) {
  const offersPasskeys = state?.passkeys === true && hasPasskeys
  const mayTry = useWaitSeconds(passkey.error) === 0
  if (!offersPasskeys && !state?.oidc) return null
  return (
    <div className="grid gap-2">
      <p className="flex items-center gap-3 text-xs text-muted before:flex-1 before:border-t after:flex-1 after:border-t">
        or
      </p>
      {passkey.error && (
        <WaitNote error={passkey.error} words={passkeyWords(passkey.error) ?? wordsOf(passkey.error)} />
      )}
      {offersPasskeys && (
        <Button icon={KeyRound} isBusy={passkey.isAsking} disabled={!mayTry} onClick={passkey.ask}>
          Sign in with a passkey
        </Button>
      )}
      {state?.oidc && <ButtonAnchor href={oidcAddress()}>Continue with {state.oidc.name}</ButtonAnchor>}
    </div>
  )
}

/** Replaces the server's title, which mentions email and password. */
function wordsOf(error: Error): { title: string; detail: string } | undefined {
  if (!('code' in error) || error.code !== 'sign_in_failed') return undefined
  return { title: 'This passkey is not registered here', detail: 'It may have been removed. Sign in another way.' }
}
