/** The table of connected clients; in a narrow container each has two lines. */
import { Unplug } from 'lucide-react'
import type { ClientInfo, ClientKind } from '../../contract/clients.ts'
import { agentWords } from '../platform/agent-words.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { useMay } from '../platform/session.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { ColumnHead, LineCell, type SortOrder, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'

export const kindWords: Record<ClientKind, string> = { browser: 'Browser', api: 'API', mcp: 'MCP' }

interface Sorting {
  sort: string
  order: string
  onSort(column: string): void
}

export function ClientsTable({
  clients,
  gone,
  ownId,
  sorting,
  onDisconnect,
  ...focus
}: {
  clients: readonly ClientInfo[]
  gone: ReadonlySet<string>
  /** The id of this page's own client. */
  ownId: string | null
  sorting: Sorting
  onDisconnect(client: ClientInfo): void
  onPointerEnter(): void
  onPointerLeave(): void
  onFocus(): void
  onBlur(): void
}) {
  const mayDisconnect = useMay('dashboard:operate')
  const sortBy = (column: string) => ({
    order: sorting.sort === column ? (sorting.order as SortOrder) : undefined,
    onSort: () => sorting.onSort(column),
  })
  return (
    <Table label="Connected clients" isStacked {...focus}>
      <TableHead>
        <ColumnHead sort={sortBy('user_agent')}>Client</ColumnHead>
        <ColumnHead>Status</ColumnHead>
        <ColumnHead sort={sortBy('ip_address')}>Address</ColumnHead>
        <ColumnHead sort={sortBy('connected_at')}>Connected</ColumnHead>
        <ColumnHead sort={sortBy('last_activity')}>Last activity</ColumnHead>
        <ColumnHead align="right" sort={sortBy('request_count')}>
          Requests
        </ColumnHead>
        <ColumnHead align="right" sort={sortBy('streams')}>
          Streams
        </ColumnHead>
        <ColumnHead align="right">Events</ColumnHead>
        <ColumnHead align="right">Dropped</ColumnHead>
        {mayDisconnect && (
          <ColumnHead>
            <span className="sr-only">Actions</span>
          </ColumnHead>
        )}
      </TableHead>
      <TableBody>
        {clients.map(client => (
          <ClientRow
            key={client.id}
            client={client}
            isGone={gone.has(client.id)}
            isOwn={client.id === ownId}
            onDisconnect={mayDisconnect ? onDisconnect : undefined}
          />
        ))}
      </TableBody>
    </Table>
  )
}

function ClientRow({
  client,
  isGone,
  isOwn,
  onDisconnect,
}: {
  client: ClientInfo
  isGone: boolean
  isOwn: boolean
  onDisconnect: ((client: ClientInfo) => void) | undefined
}) {
  const agent = agentWords(client.user_agent)
  const label = `Disconnect ${agent} at ${client.ip_address}`
  const dropped = client.events_dropped > 0 ? 'font-medium text-warn' : undefined
  return (
    <TableRow stack="lines" className={isGone ? 'italic' : undefined}>
      <LineCell line="name" className="min-w-40 wrap-anywhere">
        <p className="font-medium stacked:flex stacked:gap-1.5" title={client.user_agent}>
          <span className="min-w-0 stacked:truncate">{agent}</span>{' '}
          {isOwn && (
            <span className="shrink-0">
              <Badge tone="info">This browser</Badge>
            </span>
          )}
        </p>
        <p className="text-xs text-muted stacked:hidden">
          {kindWords[client.kind]} · {client.principal}
        </p>
      </LineCell>
      <LineCell line="state">
        <Status client={client} isGone={isGone} />
      </LineCell>
      <LineCell line="none">
        <span className="inline-flex items-center gap-1 font-mono text-xs">
          <span className="min-w-28 break-all">{client.ip_address}</span>
          <CopyButton text={client.ip_address} label={`Copy the address ${client.ip_address}`} />
        </span>
      </LineCell>
      <LineCell line="none">
        <RelativeTime at={client.connected_at} />
      </LineCell>
      <LineCell line="none">
        <RelativeTime at={client.last_activity} />
      </LineCell>
      <LineCell line="none" align="right">
        {formatNumber(client.request_count)}
      </LineCell>
      <LineCell line="none" align="right">
        {formatNumber(client.streams)}
      </LineCell>
      <LineCell line="none" align="right">
        {client.events_sent === null ? <span className="text-muted">Unknown</span> : formatNumber(client.events_sent)}
      </LineCell>
      <LineCell line="none" align="right">
        <span className={dropped}>{formatNumber(client.events_dropped)}</span>
      </LineCell>
      <LineCell line="more">
        {client.events_dropped > 0 && (
          <span className={dropped}>{formatCount(client.events_dropped, 'event')} dropped · </span>
        )}
        <RelativeTime at={client.last_activity} /> · {kindWords[client.kind]} · {client.principal} ·{' '}
        <span className="font-mono">{client.ip_address}</span> · {formatCount(client.request_count, 'request')} ·{' '}
        {formatCount(client.streams, 'stream')}
        <span className="tight:hidden">
          {' '}
          · connected <RelativeTime at={client.connected_at} />
        </span>
      </LineCell>
      {onDisconnect && (
        <LineCell line="actions" align="right">
          <IconButton icon={Unplug} label={label} disabled={isGone} onClick={() => onDisconnect(client)} />
        </LineCell>
      )}
    </TableRow>
  )
}

function Status({ client, isGone }: { client: ClientInfo; isGone: boolean }) {
  if (isGone) return <StatePill tone="unknown">Gone</StatePill>
  if (client.status === 'active') return <StatePill tone="good">Active</StatePill>
  return <StatePill tone="unknown">Idle</StatePill>
}
