/** The page of an invitation or reset link: the user chooses a password and is signed in. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { formatDateTime } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useEnter } from '../platform/session.ts'
import { Entrance } from '../shell/entrance.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds, WaitNote } from '../ui/wait-note.tsx'
import { checkAll, checks } from './form-checks.ts'
import { FormSkeleton } from './form-skeleton.tsx'
import { NewPasswordField } from './new-password-field.tsx'
import { useLinkToken } from './use-link-token.ts'

interface Invited {
  name: string
  email: string
  expires_at: string
}

export function InvitationPage() {
  const { token, opened } = useLinkToken()
  return <InvitationByLink key={opened} token={token} opened={opened} />
}

/** The form of one link; its state must not carry over to another. */
function InvitationByLink({ token, opened }: { token: string; opened: number }) {
  const link = useQuery({
    // Keyed by a counter instead of the token, because a secret does not belong in a cache key.
    queryKey: queryKeys.invitation(opened),
    queryFn: ({ signal }) => call(api.users.readLink, { body: { link_token: token }, signal }),
    enabled: token !== '',
    gcTime: 0,
  })
  const accepting = useAcceptLink(token)
  if (token === '' || isInvalid(link.error) || isInvalid(accepting.error)) return <InvalidLink isCut={token === ''} />
  if (link.error) {
    return (
      <Entrance title="Invitation">
        <ErrorState error={link.error} onRetry={() => void link.refetch()} />
      </Entrance>
    )
  }
  if (!link.data) {
    return (
      <Entrance title="Invitation">
        <FormSkeleton />
      </Entrance>
    )
  }
  return (
    <Entrance title={`Welcome, ${link.data.name}`}>
      <AcceptForm invited={link.data} accepting={accepting} />
    </Entrance>
  )
}

function InvalidLink({ isCut }: { isCut: boolean }) {
  return (
    <Entrance title="This link does not work">
      <p role="alert" className="text-soft">
        {isCut
          ? 'The link is incomplete: the part after # is missing. Open it exactly as it was sent to you.'
          : 'It was already used, has expired, or was replaced. Ask the administrator who sent it for a new one.'}
      </p>
      <div>
        <ButtonLink href="/">Go to the sign-in page</ButtonLink>
      </div>
    </Entrance>
  )
}

const check = checkAll({ password: checks.newPassword })

function AcceptForm({
  invited: { email, name, expires_at: expiresAt },
  accepting: { mutate, error, isPending },
}: {
  invited: Invited
  accepting: ReturnType<typeof useAcceptLink>
}) {
  const { form, bind, faultOf, note } = useForm({
    initial: { password: '' },
    check,
    error,
    fieldOf: { password_too_common: 'password' },
    onSubmit: ({ password }) => mutate(password),
  })
  const mayTry = useWaitSeconds(error) === 0
  return (
    <>
      <p className="text-soft">Choose a password to finish.</p>
      <form {...form} method="post" className="grid gap-4">
        {note && <WaitNote error={note} />}
        <Field label="Email" hint="You sign in with it.">
          <Input value={email} name="email" type="email" autoComplete="username" readOnly />
        </Field>
        <NewPasswordField own={[email, name]} error={faultOf('password')} control={bind('password')} />
        <Button variant="primary" type="submit" isBusy={isPending} disabled={!mayTry}>
          Save and sign in
        </Button>
      </form>
      <p className="text-xs text-muted">The link works until {formatDateTime(Date.parse(expiresAt))}, and once.</p>
    </>
  )
}

function useAcceptLink(token: string) {
  const enter = useEnter()
  const [, navigate] = useLocation()
  return useMutation({
    mutationFn: (password: string) => call(api.users.acceptLink, { body: { link_token: token, password } }),
    // The request contains a password, so it is not cached.
    gcTime: 0,
    onSuccess: async session => {
      await enter(session)
      navigate('/', { replace: true })
    },
  })
}

function isInvalid(error: Error | null): boolean {
  return error instanceof ApiProblem && error.code === 'link_invalid'
}
