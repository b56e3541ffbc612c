/** The page of the set-up link: creates the first administrator and signs in. */
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { useEnter } from '../platform/session.ts'
import { Entrance } from '../shell/entrance.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Field, Input } from '../ui/field.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds, WaitNote } from '../ui/wait-note.tsx'
import { checkAll, checks } from './form-checks.ts'
import { HowToFindTheLink } from './how-to-find-the-link.tsx'
import { NewPasswordField } from './new-password-field.tsx'
import { useLinkToken } from './use-link-token.ts'
import { useSignInState } from './use-sign-in.ts'

/** Input that is kept if the link turns out invalid; the password is not. */
interface Typed {
  email: string
  name: string
}

interface Administrator extends Typed {
  password: string
}

export function SetupPage() {
  const { token, opened } = useLinkToken()
  const [typed, setTyped] = useState<Typed>({ email: '', name: '' })
  return <SetupByLink key={opened} token={token} typed={typed} onTyped={setTyped} />
}

/** The form of one link; its state must not carry over to another. */
function SetupByLink({ token, typed, onTyped }: { token: string; typed: Typed; onTyped(typed: Typed): void }) {
  const isDone = useSignInState({ isAskedAgain: true }).data?.setup_needed === false
  const settingUp = useSetUp(token)
  if (isDone && !settingUp.isPending) return <AlreadyDone />
  if (token === '') {
    return (
      <Entrance title="Set up RustyMail">
        <p className="text-soft">
          The link is incomplete: the part after # is missing. Open it exactly as it was printed.
        </p>
        <HowToFindTheLink />
      </Entrance>
    )
  }
  if (hasCode(settingUp.error, 'setup_token_invalid')) {
    return (
      <Entrance title="This link did not work">
        <p role="alert" className="text-soft">
          It was already used, has expired after 30 minutes, or the server was restarted since. Only the newest link
          works.
        </p>
        <HowToFindTheLink />
      </Entrance>
    )
  }
  return (
    <Entrance title="Set up RustyMail">
      <SetupForm settingUp={settingUp} typed={typed} onTyped={onTyped} />
    </Entrance>
  )
}

function AlreadyDone() {
  return (
    <Entrance title="RustyMail is already set up">
      <p className="text-soft">An administrator exists, so this link is no longer valid.</p>
      <div>
        <ButtonLink href="/" variant="primary">
          Go to RustyMail
        </ButtonLink>
      </div>
    </Entrance>
  )
}

const check = checkAll({ email: checks.email, name: checks.name, password: checks.newPassword })

function SetupForm({
  settingUp: { mutate, error, isPending },
  typed,
  onTyped,
}: {
  settingUp: ReturnType<typeof useSetUp>
  typed: Typed
  onTyped(typed: Typed): void
}) {
  const { form, bind, faultOf, values, note } = useForm({
    initial: { ...typed, password: '' },
    check,
    error,
    fieldOf: { password_too_common: 'password' },
    onSubmit: ({ email, name, password }) => {
      onTyped({ email, name })
      mutate({ email: email.trim(), name: name.trim(), password })
    },
  })
  const mayTry = useWaitSeconds(error) === 0
  return (
    <>
      <p className="text-soft">You become the first administrator. You can invite others afterwards.</p>
      <form {...form} method="post" className="grid gap-4">
        {note && <WaitNote error={note} />}
        <Field label="Email" hint="You sign in with it. RustyMail sends nothing to it." error={faultOf('email')}>
          <Input
            {...bind('email')}
            type="email"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={254}
          />
        </Field>
        <Field label="Name" hint="Shown to other users and in the audit trail." error={faultOf('name')}>
          <Input {...bind('name')} autoComplete="name" maxLength={100} />
        </Field>
        <NewPasswordField own={[values.email, values.name]} error={faultOf('password')} control={bind('password')} />
        <Button variant="primary" type="submit" isBusy={isPending} disabled={!mayTry}>
          Set up and sign in
        </Button>
      </form>
    </>
  )
}

function useSetUp(token: string) {
  const enter = useEnter()
  const [, navigate] = useLocation()
  return useMutation({
    mutationFn: (administrator: Administrator) =>
      call(api.access.setUp, { body: { setup_token: token, ...administrator } }),
    // The request contains a password, so it is not cached.
    gcTime: 0,
    onSuccess: async session => {
      await enter(session)
      navigate('/', { replace: true })
    },
  })
}

function hasCode(error: Error | null, code: string): boolean {
  return error instanceof ApiProblem && error.code === code
}
