/** How an account signs in at its provider: what was granted, until when, and a button to sign in again. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { LogIn, Smartphone } from 'lucide-react'
import { useEffect } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { OAuthGrant } from '../../contract/mail-oauth.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useUrlState } from '../platform/url-state.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { ErrorNote, FaultNote } from '../ui/error-state.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { Fact } from './account-facts.tsx'
import { DeviceCodeNote } from './device-code-note.tsx'
import { useBeginSignIn, useOAuthProviders, useSignIn } from './oauth-providers.ts'
import { providerFor } from './sign-in-way.ts'
import { useAccountsChanged, useRights } from './use-accounts.ts'

/** Poll interval in milliseconds, because no event announces a refreshed token. */
const intervalMs = 60_000

export function GrantSection({ account }: { account: Account }) {
  const { mayChange } = useRights()
  const providers = useOAuthProviders(mayChange)
  const isOAuth = account.auth.kind === 'oauth'
  const grant = useQuery({
    queryKey: queryKeys.accountGrant(account.id),
    queryFn: ({ signal }) => call(api.mailOAuth.getAccountGrant, { params: { account_id: account.id }, signal }),
    refetchInterval: intervalMs,
    enabled: isOAuth,
  })
  if (isOAuth) {
    return (
      <Panel title="Sign-in" query={grant} isFlush={false} intervalMs={intervalMs}>
        {data => (
          <div className="grid gap-3">
            <GrantFacts grant={data} />
            {mayChange && <SignAgain account={account} providerId={data.provider} label="Sign in again" />}
          </div>
        )}
      </Panel>
    )
  }
  const offered = providerFor(providers.data?.items ?? [], account.imap.host)
  if (!mayChange || account.is_sandbox || !offered?.client) return null
  return (
    <Card title="Sign-in">
      <div className="grid gap-3 p-4 text-sm">
        <p className="text-soft">
          This account logs in by password. It can sign in at {offered.name} instead: its mail and settings stay, and
          the stored password is deleted.
        </p>
        <SignAgain account={account} providerId={offered.id} label={`Sign in with ${offered.name}`} />
      </div>
    </Card>
  )
}

function GrantFacts({ grant }: { grant: OAuthGrant }) {
  const { provider_name: name, state, failure, use, scopes } = grant
  const { granted_at: since, granted_by: by, access_expires_at: until, next_refresh_at: next } = grant
  return (
    <>
      {failure && (
        <FaultNote
          title={state === 'revoked' ? 'Not signed in at the provider' : 'The access could not be refreshed'}
          detail={failure}
        />
      )}
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3 text-sm lg:grid-cols-4">
        <Fact label="Provider">{name}</Fact>
        <Fact label="Signed in">
          <RelativeTime at={since} />
          <span className="block text-xs text-muted">{by}</span>
        </Fact>
        <Fact label="Access token">
          {until ? (
            <>
              until <RelativeTime at={until} />
            </>
          ) : (
            'valid until it is rejected'
          )}
        </Fact>
        <Fact label="Next refresh">{next ? <RelativeTime at={next} /> : <span className="text-muted">None</span>}</Fact>
        <Fact label={use === 'send' ? 'Granted for reading and sending' : 'Granted for reading'} isWide>
          <span className="block font-mono text-xs break-all">{scopes.join(' ')}</span>
        </Fact>
      </dl>
    </>
  )
}

/** Signs in again; account and settings stay the same. */
function SignAgain({ account, providerId, label }: { account: Account; providerId: string; label: string }) {
  const begin = useBeginSignIn()
  const queries = useQueryClient()
  const changed = useAccountsChanged()
  const { data } = useOAuthProviders()
  const provider = data?.items.find(({ id }) => id === providerId)
  const [{ sign_in: back }, setUrl] = useUrlState({ sign_in: '' })
  const signIn = useSignIn(back)
  const state = signIn.data?.account_id === account.id ? signIn.data.state : undefined
  useEffect(() => {
    // A failed reload shows in the panel.
    if (state === 'done')
      void changed().then(() => queries.invalidateQueries({ queryKey: queryKeys.accountGrant(account.id) }))
  }, [state, changed, queries, account.id])
  const start = (method: 'browser' | 'device') =>
    begin.mutate(
      { provider: providerId, method, use: 'send', account_id: account.id },
      { onSuccess: ({ authorization_url: url }) => url !== null && location.assign(url) },
    )
  if (begin.data?.method === 'device' && back !== begin.data.id) {
    const { id } = begin.data
    return (
      <DeviceCodeNote
        signIn={begin.data}
        onDone={() => setUrl({ sign_in: id }, { replace: true })}
        onAgain={begin.reset}
      />
    )
  }
  return (
    <div className="grid gap-2 text-sm">
      {state === 'checking' && (
        <p role="status" className="flex items-center gap-2">
          <ToneIcon tone="busy" /> Signed in. Trying the mail server
        </p>
      )}
      {state === 'done' && (
        <p role="status" className="flex items-center gap-2 text-good">
          <ToneIcon tone="good" /> Signed in again
        </p>
      )}
      {state === 'failed' && <FaultNote title="Not signed in" detail={signIn.data?.failure} />}
      {back !== '' && signIn.error && <ErrorNote error={signIn.error} />}
      <div className="flex flex-wrap gap-2">
        <Button
          size="sm"
          icon={LogIn}
          variant={account.state === 'auth_failed' ? 'primary' : undefined}
          isBusy={begin.isPending}
          onClick={() => start('browser')}
        >
          {label}
        </Button>
        {provider?.has_device_flow && (
          <Button
            size="sm"
            variant="quiet"
            icon={Smartphone}
            disabled={begin.isPending}
            onClick={() => start('device')}
          >
            Use another device
          </Button>
        )}
      </div>
      {begin.error && <ErrorNote error={begin.error} />}
    </div>
  )
}
