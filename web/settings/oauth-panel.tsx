/** The OAuth clients with which mail accounts sign in at providers. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { api } from '../../contract/index.ts'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { useOAuthProviders } from '../accounts/oauth-providers.ts'
import { call } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { OAuthClientDialog } from './oauth-client-dialog.tsx'

export function OAuthPanel() {
  const query = useOAuthProviders()
  const [open, setOpen] = useState<OAuthProvider | 'new'>()
  const [removed, setRemoved] = useState<OAuthProvider>()
  return (
    <Panel
      title="Sign-in of mail accounts"
      query={query}
      actions={
        <Button size="sm" icon={Plus} onClick={() => setOpen('new')}>
          Add a provider
        </Button>
      }
    >
      {({ items }) => (
        <div className="grid gap-4 p-4">
          <p className="max-w-prose text-sm text-soft">
            Microsoft does not accept passwords from mail programs, and Google accepts only app passwords: accounts sign
            in on their pages (OAuth2). For that, this server needs its own client id at the provider. “Set up” lists
            the steps; <code>docs/oauth.md</code> explains each screen.
          </p>
          <ul aria-label="Providers" className="rounded-md border">
            {items.map(provider => (
              <li
                key={provider.id}
                className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-2 last:border-b-0"
              >
                <span className="grid min-w-48 flex-1 text-sm">
                  <span className="font-medium">{provider.name}</span>
                  <ClientWords provider={provider} />
                </span>
                {provider.client?.source === 'environment' ? (
                  <Badge>RUSTYMAIL_OAUTH_{provider.id.toUpperCase()}_CLIENT_ID</Badge>
                ) : (
                  <span className="flex gap-1">
                    <Button size="sm" variant="quiet" onClick={() => setOpen(provider)}>
                      {provider.client ? 'Change' : 'Set up'}
                      <span className="sr-only">: {provider.name}</span>
                    </Button>
                    {provider.client && (
                      <Button size="sm" variant="quiet" onClick={() => setRemoved(provider)}>
                        Remove<span className="sr-only">: {provider.name}</span>
                      </Button>
                    )}
                  </span>
                )}
              </li>
            ))}
          </ul>
          {open && (
            <OAuthClientDialog
              provider={open === 'new' ? undefined : open}
              known={items}
              onClose={() => setOpen(undefined)}
            />
          )}
          {removed && <RemoveDialog provider={removed} onClose={() => setRemoved(undefined)} />}
        </div>
      )}
    </Panel>
  )
}

function ClientWords({ provider: { client, accounts, tenant } }: { provider: OAuthProvider }) {
  if (!client) return <span className="text-xs text-muted">Not set up</span>
  return (
    <span className="text-xs break-all text-muted">
      {client.client_id}, {client.has_secret ? 'with a secret' : 'without a secret'}
      {tenant && `, for ${tenant}`}
      {client.set_at && (
        <>
          ; {client.set_by}, <RelativeTime at={client.set_at} />
        </>
      )}
      {accounts > 0 && `; ${formatCount(accounts, 'account')}`}
    </span>
  )
}

function RemoveDialog({ provider: { id, name }, onClose }: { provider: OAuthProvider; onClose(): void }) {
  const queries = useQueryClient()
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => call(api.mailOAuth.deleteOAuthProvider, { params: { provider_id: id } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: queryKeys.oauthProviders }),
  })
  return (
    <ConfirmDialog
      isOpen
      title={`Remove the client at ${name}?`}
      confirmLabel="Remove"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>Its id and secret are deleted here. No account can sign in there until they are entered again.</p>
    </ConfirmDialog>
  )
}
