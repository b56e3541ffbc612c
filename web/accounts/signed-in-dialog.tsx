/** Connects an account after the provider has redirected back. */
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote, FaultNote } from '../ui/error-state.tsx'
import { forgetPending, recallPending, useSignIn } from './oauth-providers.ts'
import { FailureNote, troubleOf } from './trouble-note.tsx'
import { useAccountsChanged } from './use-accounts.ts'

export function SignedInDialog({ signInId, onClose }: { signInId: string; onClose(): void }) {
  const signIn = useSignIn(signInId)
  const changed = useAccountsChanged()
  const begun = useRef(false)
  const account = recallPending(signInId)
  const connecting = useMutation({
    mutationFn: ({ verify, grantId }: { verify: boolean; grantId: string }) =>
      call(api.accounts.createAccount, {
        body: { ...account!, auth: { grant_id: grantId }, enabled: true },
        query: { verify: verify ? 'true' : 'false' },
      }),
    onSuccess: async () => {
      forgetPending(signInId)
      await changed()
    },
  })
  const grantId = signIn.data?.grant_id ?? undefined
  const { mutate } = connecting
  const isReady = grantId !== undefined && account !== undefined
  useEffect(() => {
    if (!isReady || begun.current) return
    begun.current = true
    mutate({ verify: true, grantId })
  }, [isReady, grantId, mutate])
  const name = signIn.data?.provider_name ?? 'the provider'
  const isOver = signInId === 'unknown' || signIn.error !== null || (signIn.data?.state === 'done' && !isReady)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Connect a mailbox"
      size="lg"
      footer={
        <>
          {connecting.error && troubleOf(connecting.error) && grantId && (
            <Button variant="quiet" className="sm:mr-auto" onClick={() => mutate({ verify: false, grantId })}>
              Connect without testing
            </Button>
          )}
          {connecting.error && grantId && <Button onClick={() => mutate({ verify: true, grantId })}>Try again</Button>}
          {connecting.data && <ButtonLink href={`/mail?account=${connecting.data.id}`}>Read its mail</ButtonLink>}
          <Button variant="primary" onClick={onClose}>
            {connecting.data ? 'Done' : 'Close'}
          </Button>
        </>
      }
    >
      <div className="grid min-h-24 content-start gap-3 text-sm">
        {isOver && !connecting.data && (
          <FaultNote
            title="This sign-in has expired"
            detail="It was already used, took longer than ten minutes, or was started in another browser. Connect the mailbox again."
          />
        )}
        {signIn.data?.state === 'failed' && (
          <FaultNote title={`Not signed in at ${name}`} detail={signIn.data.failure} />
        )}
        {!isOver && (signIn.isPending || signIn.data?.state === 'checking' || connecting.isPending) && (
          <p role="status" className="flex items-center gap-2 font-semibold">
            <ToneIcon tone="busy" /> Signed in at {name}. Logging in to {account?.imap.host ?? 'the mail server'}
          </p>
        )}
        {connecting.error &&
          (troubleOf(connecting.error) ? (
            <FailureNote
              error={connecting.error}
              onAllowed={{ label: 'connect', act: () => grantId && mutate({ verify: true, grantId }) }}
            />
          ) : (
            <ErrorNote error={connecting.error} />
          ))}
        {connecting.data && (
          <p role="status" className="flex flex-wrap items-center gap-2 font-semibold text-good">
            <ToneIcon tone="good" /> Connected: {connecting.data.email}
          </p>
        )}
      </div>
    </Dialog>
  )
}
