/** The table of agents: identity, connection, calls and tokens. */
import { OctagonPause, Trash2, Undo2, Unplug } from 'lucide-react'
import { useLocation } from 'wouter'
import type { AgentPeer } from '../../contract/agents.ts'
import { undoAddress } from '../changes/changes-view.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { useMay } from '../platform/session.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { type RowAction, RowActions } from '../ui/row-actions.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import type { PeerDialogKind } from './peer-dialogs.tsx'
import { peerName, tokenWords, transportWords } from './peer-words.ts'
import { tokenIdOf, usePeerTokens } from './use-peer-tokens.ts'

type OnAct = (kind: PeerDialogKind, peer: AgentPeer) => void

export function PeersTable({ peers, onAct }: { peers: readonly AgentPeer[]; onAct: OnAct }) {
  const { tokenOf, isStopped } = usePeerTokens()
  return (
    <Table label="Agents" isStacked>
      <TableHead>
        <ColumnHead>Agent</ColumnHead>
        <ColumnHead>State</ColumnHead>
        <ColumnHead>Protocol</ColumnHead>
        <ColumnHead align="right">Calls</ColumnHead>
        <ColumnHead align="right">Errors</ColumnHead>
        <ColumnHead align="right">Tokens spent</ColumnHead>
        <ColumnHead>Last call</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {peers.map(peer => (
          <PeerRow
            key={peer.id}
            peer={peer}
            isStopped={isStopped(peer)}
            mayRevoke={tokenOf(peer) !== undefined}
            onAct={onAct}
          />
        ))}
      </TableBody>
    </Table>
  )
}

function PeerRow({
  peer,
  isStopped,
  mayRevoke,
  onAct,
}: {
  peer: AgentPeer
  isStopped: boolean
  mayRevoke: boolean
  onAct: OnAct
}) {
  const { calls, errors, revision, transport, session } = peer
  return (
    <TableRow>
      <Cell className="min-w-44 wrap-anywhere">
        <p className="font-medium">
          <bdi>{peerName(peer)}</bdi>{' '}
          {peer.client_version !== null && (
            <bdi className="text-sm font-normal text-muted">{visibleText(peer.client_version)}</bdi>
          )}
        </p>
        <p className="text-xs text-muted">
          <bdi>{peer.principal_name}</bdi> · <span className="font-mono">{peer.ip_address}</span>
        </p>
      </Cell>
      <Cell label="State">
        <PeerState peer={peer} isStopped={isStopped} />
      </Cell>
      <Cell label="Protocol" className="min-w-28">
        {revision ?? <span className="text-muted">Unknown</span>}
        <span className="block text-xs text-muted">{transportWords[transport]}</span>
        {session !== null && (
          <span className="block max-w-40 truncate font-mono text-xs text-muted" title={`Run ${session}`}>
            {session}
          </span>
        )}
      </Cell>
      <Cell label="Calls" align="right">
        <Figure value={calls} />
      </Cell>
      <Cell label="Errors" align="right">
        <span className={errors !== null && errors > 0 ? 'font-medium text-warn' : undefined}>
          <Figure value={errors} />
        </span>
      </Cell>
      <Cell label="Tokens spent" align="right" className="min-w-36">
        <TokensSpent peer={peer} />
      </Cell>
      <Cell label="Last call" className="min-w-28">
        {peer.last_call ? (
          <>
            <code className="font-mono text-xs">{peer.last_call.tool}</code>
            <span className="block text-xs text-muted">
              <RelativeTime at={peer.last_call.at} />
            </span>
          </>
        ) : (
          <span className="text-xs text-muted">
            seen <RelativeTime at={peer.last_seen_at} />
          </span>
        )}
      </Cell>
      <Cell align="right">
        <PeerActions peer={peer} mayRevoke={mayRevoke} isStopped={isStopped} onAct={onAct} />
      </Cell>
    </TableRow>
  )
}

function PeerState({
  peer: { open_calls: calls, open_streams: streams },
  isStopped,
}: {
  peer: AgentPeer
  isStopped: boolean
}) {
  if (isStopped) return <Badge tone="bad">Stopped</Badge>
  if (calls > 0) return <StatePill tone="busy">{formatCount(calls, 'call')}</StatePill>
  if (streams > 0) return <StatePill tone="good">Listening</StatePill>
  return <StatePill tone="unknown">Idle</StatePill>
}

/** A figure; null if it would include accounts that the reader may not see. */
function Figure({ value }: { value: number | null }) {
  if (value === null) return <span className="text-muted">Unknown</span>
  return <>{formatNumber(value)}</>
}

function TokensSpent({ peer: { tokens, tools } }: { peer: AgentPeer }) {
  if (tokens === null || tools === null) return <span className="text-muted">Unknown</span>
  if (tools.length === 0) return <>0</>
  return (
    <details>
      <summary
        className="cursor-pointer rounded-sm tabular-nums"
        title="An estimate: a quarter of the bytes of results, and 1,500 for an image"
      >
        {tokenWords(tokens)}
        <span className="text-xs text-muted"> by {formatCount(tools.length, 'tool')}</span>
      </summary>
      <ul className="mt-1 grid gap-0.5 text-xs text-soft">
        {tools.map(({ tool, calls, errors, tokens: spent }) => (
          <li key={tool} className="flex flex-wrap justify-between gap-x-3 tabular-nums">
            <code className="font-mono">{tool}</code>
            <span>
              {tokenWords(spent)} · {formatCount(calls, 'call')}
              {errors > 0 && `, ${formatCount(errors, 'error')}`}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}

function PeerActions({
  peer,
  mayRevoke,
  isStopped,
  onAct,
}: {
  peer: AgentPeer
  mayRevoke: boolean
  isStopped: boolean
  onAct: OnAct
}) {
  const [, navigate] = useLocation()
  const mayOperate = useMay('dashboard:operate')
  const mayUndo = useMay('mail:meta') && mayOperate
  const undo = undoAddress(peer.principal, peer.session)
  const isProgram = peer.principal_kind === 'api_key' || tokenIdOf(peer) !== undefined
  const actions: (RowAction | false)[] = [
    mayOperate && {
      label: 'Disconnect',
      icon: Unplug,
      disabled: peer.client_id === null,
      onChoose: () => onAct('disconnect', peer),
    },
    mayOperate &&
      isProgram && { label: 'Stop', icon: OctagonPause, disabled: isStopped, onChoose: () => onAct('freeze', peer) },
    mayUndo && { label: 'Undo what it did', icon: Undo2, onChoose: () => navigate(undo) },
    mayRevoke && { label: 'Revoke', icon: Trash2, onChoose: () => onAct('revoke', peer) },
  ]
  return (
    <RowActions
      subject={`${peerName(peer)} of ${peer.principal_name}`}
      actions={actions.filter(action => action !== false)}
    />
  )
}
