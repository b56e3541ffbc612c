/** Shows a code to enter on another device while this page waits. */
import { useEffect } from 'react'
import type { OAuthSignIn } from '../../contract/mail-oauth.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { ErrorNote, FaultNote } from '../ui/error-state.tsx'
import { useSignIn } from './oauth-providers.ts'

export function DeviceCodeNote({
  signIn: { id, provider_name: name, user_code: code, verification_uri: uri },
  onDone,
  onAgain,
}: {
  signIn: OAuthSignIn
  onDone(): void
  onAgain(): void
}) {
  const { data, error } = useSignIn(id)
  const isDone = data?.state === 'done'
  useEffect(() => {
    if (isDone) onDone()
  }, [isDone, onDone])
  if (error) return <ErrorNote error={error} />
  if (data?.state === 'failed') {
    return (
      <FaultNote title={`Not signed in at ${name}`} detail={data.failure}>
        <div>
          <Button size="sm" onClick={onAgain}>
            Begin again
          </Button>
        </div>
      </FaultNote>
    )
  }
  return (
    <div role="status" className="grid gap-1 rounded-md bg-sunken p-3">
      <p>
        On any device, open <span className="font-mono break-all">{uri}</span> and enter:
      </p>
      <p className="flex items-center gap-2 font-mono text-lg font-semibold tracking-wider">
        {code} <CopyButton text={code ?? ''} label="Copy the code" />
      </p>
      <p className="text-xs text-muted">
        {data?.state === 'checking' ? 'Testing the mail server.' : 'Waiting. This page continues automatically.'}
      </p>
    </div>
  )
}
