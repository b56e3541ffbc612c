/** Offers to sign in at the provider instead of with a password, or says what has to be set up first. */
import { ExternalLink, Smartphone } from 'lucide-react'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { DeviceCodeNote } from './device-code-note.tsx'
import { rememberPending, useBeginSignIn } from './oauth-providers.ts'
import type { PendingAccount, SignInWay } from './sign-in-way.ts'

export function SignInOffer({
  way,
  hasPassword,
  onDone,
}: {
  way: SignInWay
  /** Whether a password works, too. */
  hasPassword: boolean
  onDone(signInId: string): void
}) {
  const name = way.kind === 'no_provider' ? 'the provider' : way.provider.name
  return (
    <section aria-label={`Sign in with ${name}`} className="grid gap-2 rounded-md border p-3 text-sm">
      <Offer way={way} hasPassword={hasPassword} onDone={onDone} />
    </section>
  )
}

function Offer({ way, hasPassword, onDone }: Parameters<typeof SignInOffer>[0]) {
  if (way.kind === 'no_provider') {
    const where = way.issuer === null ? 'the provider' : <Mono>{hostOf(way.issuer)}</Mono>
    return (
      <ToDo title="Signing in at this provider is not set up on this server.">
        An administrator adds {where} with a client id
      </ToDo>
    )
  }
  const { name } = way.provider
  if (way.kind === 'no_client') {
    return (
      <ToDo
        title={`Signing in with ${name}${hasPassword ? ', without a password,' : ''} is not set up on this server.`}
      >
        An administrator sets a client id of {name}
      </ToDo>
    )
  }
  if (way.kind === 'unlisted_host') {
    return (
      <ToDo title={`This mailbox signs in with ${name}, but its server gets no tokens yet.`}>
        If <Mono>{way.host}</Mono> is a server of {name}, an administrator adds it
      </ToDo>
    )
  }
  if (way.kind === 'hosts_needed') {
    return (
      <p>
        This mailbox can sign in with <strong className="font-semibold">{name}</strong>, without a password. Enter its
        servers in the next step.
      </p>
    )
  }
  return (
    <>
      <p>
        Sign in with <strong className="font-semibold">{name}</strong>, and no password is stored here.
        {hasPassword && ' Or enter a password.'}
      </p>
      <SignInButtons provider={way.provider} account={way.account} onDone={onDone} />
    </>
  )
}

function ToDo({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <p className="font-semibold">{title}</p>
      <p className="text-soft">
        {children} under{' '}
        <Link href="/configuration" className="text-accent underline">
          Configuration
        </Link>
        , once. Then connect this mailbox here.
      </p>
    </>
  )
}

function Mono({ children }: { children: string }) {
  return <span className="font-mono text-xs wrap-anywhere">{children}</span>
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
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
