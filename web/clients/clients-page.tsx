/** Connected clients: filtered, sorted and paged by the URL, updated in place; each can be disconnected. */
import { useRef, useState } from 'react'
import type { ClientInfo } from '../../contract/clients.ts'
import { agentWords } from '../platform/agent-words.ts'
import { formatCount } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { ClientsFilter } from './clients-filter.tsx'
import { ClientsTable, kindWords } from './clients-table.tsx'
import { DisconnectDialog } from './disconnect-dialog.tsx'
import { frozenRows } from './frozen-order.ts'
import { Pager } from './pager.tsx'
import { clientsIntervalMs, perPage, useClients, useClientsView, viewDefaults } from './use-clients.ts'

export function ClientsPage() {
  const [view, setView] = useClientsView()
  const query = useClients(view)
  const [target, setTarget] = useState<ClientInfo>()
  const { data } = query
  const hasFilter = view.filter !== '' || view.kind !== '' || view.status !== ''
  const sortBy = (column: string) => {
    const isSame = view.sort === column
    setView({ sort: column, order: isSame && view.order === 'desc' ? 'asc' : 'desc', page: '1' })
  }
  return (
    <>
      <PageHeader
        title="Clients"
        description="Browsers, programs and agents that use this server."
        actions={
          (hasFilter || query.isError) && <Button onClick={() => setView(viewDefaults)}>Clear the filter</Button>
        }
      />
      <ClientsFilter view={view} setView={setView} />
      <Panel
        query={query}
        intervalMs={clientsIntervalMs}
        skeleton={<SkeletonRows count={8} />}
        footer={
          data && (
            <Pager
              page={Number(view.page) || 1}
              perPage={perPage}
              total={data.total}
              onPage={page => setView({ page: `${page}` })}
            />
          )
        }
      >
        {({ clients }) =>
          clients.length === 0 ? (
            <NoClients hasFilter={hasFilter || view.page !== '1'} onReset={() => setView(viewDefaults)} />
          ) : (
            <LiveRows
              key={JSON.stringify(view)}
              clients={clients}
              sorting={{ sort: view.sort, order: view.order, onSort: sortBy }}
              onDisconnect={setTarget}
            />
          )
        }
      </Panel>
      {target && <DisconnectClient client={target} onClose={() => setTarget(undefined)} />}
    </>
  )
}

/** Keeps rows in place while the pointer or the focus is inside. */
function LiveRows({
  clients,
  sorting,
  onDisconnect,
}: {
  clients: readonly ClientInfo[]
  sorting: { sort: string; order: string; onSort(column: string): void }
  onDisconnect(client: ClientInfo): void
}) {
  const { clientId } = useLiveStatus()
  const [held, setHeld] = useState<readonly ClientInfo[]>()
  const isPointed = useRef(false)
  const isFocused = useRef(false)
  const update = (mark: { current: boolean }, isInside: boolean) => {
    mark.current = isInside
    const isHeld = isPointed.current || isFocused.current
    setHeld(before => (isHeld ? (before ?? clients) : undefined))
  }
  const { rows, gone, waiting } = frozenRows(held ?? clients, clients)
  return (
    <>
      {waiting > 0 && (
        <div className="border-b p-2 text-center">
          <Button size="sm" onClick={() => setHeld(clients)}>
            Show {formatCount(waiting, 'new client')}
          </Button>
        </div>
      )}
      <ClientsTable
        clients={rows}
        gone={gone}
        ownId={clientId}
        sorting={sorting}
        onDisconnect={onDisconnect}
        onPointerEnter={() => update(isPointed, true)}
        onPointerLeave={() => update(isPointed, false)}
        onFocus={() => update(isFocused, true)}
        onBlur={() => update(isFocused, false)}
      />
    </>
  )
}

function NoClients({ hasFilter, onReset }: { hasFilter: boolean; onReset(): void }) {
  if (!hasFilter) {
    return (
      <EmptyState title="No clients">
        Everything that calls the API, speaks MCP or opens this page appears here.
      </EmptyState>
    )
  }
  return (
    <EmptyState title="No matching client" actions={<Button onClick={onReset}>Show all</Button>}>
      No connected client matches this filter, or there are fewer pages.
    </EmptyState>
  )
}

function DisconnectClient({ client, onClose }: { client: ClientInfo; onClose(): void }) {
  const { id, user_agent: agent, ip_address: address, kind, principal, streams } = client
  const name = `${agentWords(agent)} at ${address}`
  return (
    <DisconnectDialog clientId={id} title="Disconnect this client?" name={name} onClose={onClose}>
      <strong>{name}</strong> ({kindWords[kind]}, {principal}){' '}
      {streams > 0 && `loses ${formatCount(streams, 'event stream')} and `}is removed from the list. It may reconnect
      automatically.
    </DisconnectDialog>
  )
}
