/** The private networks of mail servers and model providers: from the environment, and those allowed here. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { api } from '../../contract/index.ts'
import type { PrivateNetworks } from '../../contract/settings.ts'
import { networkWords, useAllowNetworks } from '../accounts/allow-networks.tsx'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'

export function NetworkPanel() {
  const query = useQuery({
    queryKey: queryKeys.networks,
    queryFn: ({ signal }) => call(api.settings.listPrivateNetworks, { signal }),
  })
  return (
    <Panel title="Private networks" query={query}>
      {list => (
        <div className="grid gap-4 p-4">
          <p className="max-w-prose text-sm text-soft">
            RustyMail connects to mail servers and model providers on this machine or on a private network only if they
            are listed here.
          </p>
          <NetworkList list={list} />
          <AllowForm />
        </div>
      )}
    </Panel>
  )
}

function NetworkList({ list: { configured, allowed } }: { list: PrivateNetworks }) {
  const [asked, setAsked] = useState<PrivateNetworks['allowed'][number]>()
  if (configured.length + allowed.length === 0) return <p className="text-sm">None allowed.</p>
  return (
    <>
      <ul aria-label="Allowed networks" className="rounded-md border">
        {configured.map(network => (
          <li key={network} className="flex min-h-11 flex-wrap items-center gap-x-3 border-b px-3 py-1 last:border-b-0">
            <code className="font-mono text-sm">{network}</code>
            <Badge>RUSTYMAIL_PRIVATE_NETWORKS</Badge>
          </li>
        ))}
        {allowed.map(each => {
          const { network, servers, allowed_by: name, allowed_at: at } = each
          return (
            <li
              key={`${network} ${servers}`}
              className="flex min-h-11 items-center gap-x-3 border-b px-3 py-1 last:border-b-0"
            >
              <span className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3">
                <code className="font-mono text-sm break-all">{networkWords(network)}</code>
                {servers === 'models' && <Badge>Model providers</Badge>}
                <span className="text-xs text-muted">
                  {name}, <RelativeTime at={at} />
                </span>
              </span>
              <Button size="sm" variant="quiet" icon={X} onClick={() => setAsked(each)}>
                Remove<span className="sr-only">: {networkWords(network)}</span>
              </Button>
            </li>
          )
        })}
      </ul>
      {asked && <RemoveDialog {...asked} onClose={() => setAsked(undefined)} />}
    </>
  )
}

function RemoveDialog({
  network,
  servers,
  onClose,
}: Pick<PrivateNetworks['allowed'][number], 'network' | 'servers'> & { onClose(): void }) {
  const queries = useQueryClient()
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => call(api.settings.forbidPrivateNetwork, { params: { network }, query: { servers } }),
    onSuccess: async list => {
      queries.setQueryData(queryKeys.networks, list)
      await queries.invalidateQueries({ queryKey: queryKeys.accounts })
    },
  })
  return (
    <ConfirmDialog
      isOpen
      title={`Remove ${networkWords(network)}?`}
      confirmLabel="Remove"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>
        {servers === 'mail'
          ? 'Connections to mail servers in it close immediately and are blocked until it is allowed again.'
          : 'Model providers in it are not used until it is allowed again.'}
      </p>
    </ConfirmDialog>
  )
}

function AllowForm() {
  const [text, setText] = useState('')
  const { mutate, isPending, error, reset } = useAllowNetworks()
  const fault = error instanceof ApiProblem ? error.faultOf('body.networks.0') : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isPending && text.trim() !== '') mutate([text.trim()], { onSuccess: () => setText('') })
  }
  return (
    <form noValidate autoComplete="off" onSubmit={submit} className="grid gap-3">
      <Field
        label="Address or network"
        hint="For example 192.168.1.10 or 192.168.1.0/24."
        error={fault && `This ${fault}`}
      >
        <span className="flex flex-wrap gap-2">
          <span className="min-w-48 flex-1">
            <Input
              value={text}
              className="font-mono"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              maxLength={49}
              onChange={event => {
                setText(event.target.value)
                reset()
              }}
            />
          </span>
          <Button type="submit" isBusy={isPending} disabled={text.trim() === ''}>
            Allow
          </Button>
        </span>
      </Field>
      {error && !fault && <ErrorNote error={error} />}
    </form>
  )
}
