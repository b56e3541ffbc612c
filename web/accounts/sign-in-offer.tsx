/** Offers to sign in at the provider in place of a password, where the mailbox is at one that is known. */
import { ExternalLink, Smartphone } from 'lucide-react'
import { Link } from 'wouter'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import type { AccountDraft, ServerDraft } from './account-draft.ts'
import { DeviceCodeNote } from './device-code-note.tsx'
import {
  type PendingAccount,
  pendingOf,
  providerFor,
  rememberPending,
  useBeginSignIn,
  useOAuthProviders,
} from './oauth-providers.ts'

export function SignInOffer({ draft, onDone }: { draft: AccountDraft; onDone(signInId: string): void }) {
  const { data } = useOAuthProviders()
  const provider = providerFor(data?.items ?? [], { email: draft.email, host: draft.imap.host })
  const account = provider && pendingOf(provider, typedOf(draft))
  if (!provider || !account || !/^\S+@\S+\.\S+$/.test(account.email)) return null
  return (
    <section aria-label={`Sign in with ${provider.name}`} className="grid gap-2 rounded-md border p-3 text-sm">
      <p>
        This mailbox is at <strong className="font-semibold">{provider.name}</strong>: sign in there, and no password is
        stored here.
      </p>
      {provider.client ? (
        <SignInButtons provider={provider} account={account} onDone={onDone} />
      ) : (
        <p className="text-soft">
          For that, an administrator enters a client id under{' '}
          <Link href="/configuration" className="underline">
            Configuration
          </Link>{' '}
          once.
        </p>
      )}
    </section>
  )
}

function SignInButtons({
  provider,
  account,
  onDone,
}: {
  provider: OAuthProvider
  account: PendingAccount
  onDone(signInId: string): void
}) {
  const begin = useBeginSignIn()
  const signIn = (method: 'browser' | 'device') =>
    begin.mutate(
      { provider: provider.id, method, use: account.smtp ? 'send' : 'read', email: account.email },
      {
        onSuccess: ({ id, authorization_url: url }) => {
          rememberPending(id, account)
          if (url !== null) location.assign(url)
        },
      },
    )
  const begun = begin.data
  if (begun?.method === 'device') {
    return <DeviceCodeNote signIn={begun} onDone={() => onDone(begun.id)} onAgain={begin.reset} />
  }
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Button variant="primary" icon={ExternalLink} isBusy={begin.isPending} onClick={() => signIn('browser')}>
          Sign in with {provider.name}
        </Button>
        {provider.has_device_flow && (
          <Button variant="quiet" icon={Smartphone} disabled={begin.isPending} onClick={() => signIn('device')}>
            Use another device
          </Button>
        )}
      </div>
      {begin.error && <ErrorNote error={begin.error} />}
    </>
  )
}

function typedOf({ name, email, imap, hasSmtp, smtp }: AccountDraft) {
  const serverOf = ({ host, port, tls, user }: ServerDraft) => ({
    ...{ host: host.trim(), port: Number(port), tls, user: user.trim() || email.trim() },
  })
  return { name, email, imap: serverOf(imap), smtp: hasSmtp && smtp.host.trim() !== '' ? serverOf(smtp) : undefined }
}
