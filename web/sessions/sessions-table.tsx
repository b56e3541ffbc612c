/** The table of open sessions. */
import { LogOut } from 'lucide-react'
import type { SignInMethod, UserSession } from '../../contract/access.ts'
import { agentWords } from '../platform/agent-words.ts'
import { useSession } from '../platform/session.ts'
import { Badge } from '../ui/badge.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { RowActions } from '../ui/row-actions.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'

const methodWords: Record<SignInMethod, string> = {
  setup: 'Set-up link',
  password: 'Password',
  passkey: 'Passkey',
  oidc: 'Provider',
  link: 'Invitation or reset',
}

export function SessionsTable({
  sessions,
  onEnd,
}: {
  sessions: readonly UserSession[]
  onEnd(session: UserSession): void
}) {
  const { user_id: ownId } = useSession().principal
  return (
    <Table label="Open sessions" isStacked>
      <TableHead>
        <ColumnHead>User</ColumnHead>
        <ColumnHead>Browser</ColumnHead>
        <ColumnHead>Address</ColumnHead>
        <ColumnHead>Signed in with</ColumnHead>
        <ColumnHead>Opened</ColumnHead>
        <ColumnHead>Last seen</ColumnHead>
        <ColumnHead>Expires</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {sessions.map(session => (
          <SessionRow key={session.id} session={session} isOwn={session.user_id === ownId} onEnd={onEnd} />
        ))}
      </TableBody>
    </Table>
  )
}

function SessionRow({
  session,
  isOwn,
  onEnd,
}: {
  session: UserSession
  isOwn: boolean
  onEnd(session: UserSession): void
}) {
  const { user_name: name, user_agent: agent, ip_address: address, is_current: isCurrent } = session
  const device = agentWords(agent)
  return (
    <TableRow>
      <Cell className="min-w-32 wrap-anywhere">
        <span className="font-medium">{name}</span> {isOwn && <Badge tone="info">You</Badge>}
      </Cell>
      <Cell label="Browser" className="min-w-32">
        <span title={agent}>{device}</span> {isCurrent && <Badge tone="good">This session</Badge>}
      </Cell>
      <Cell label="Address">
        <span className="inline-flex items-center gap-1 font-mono text-xs">
          <span className="min-w-28 break-all stacked:min-w-0">{address}</span>
          <CopyButton text={address} label={`Copy the address ${address}`} />
        </span>
      </Cell>
      <Cell label="Signed in with">{methodWords[session.method]}</Cell>
      <Cell label="Opened">
        <RelativeTime at={session.created_at} />
      </Cell>
      <Cell label="Last seen">
        <RelativeTime at={session.last_seen_at} />
      </Cell>
      <Cell label="Expires">
        <RelativeTime at={session.expires_at} />
      </Cell>
      <Cell align="right">
        <RowActions
          subject={`${name}, ${device} at ${address}`}
          actions={[{ label: isCurrent ? 'Sign out' : 'End', icon: LogOut, onChoose: () => onEnd(session) }]}
        />
      </Cell>
    </TableRow>
  )
}
