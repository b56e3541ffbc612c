/** The table of users. */
import { KeyRound, Link as LinkIcon, Pencil, Power, PowerOff, Trash2 } from 'lucide-react'
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import type { User } from '../../contract/users.ts'
import { AccountNames } from '../accounts/account-names.tsx'
import { formatCount } from '../platform/format.ts'
import { roleWords } from '../platform/role-words.ts'
import { useSession } from '../platform/session.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { type RowAction, RowActions } from '../ui/row-actions.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import type { UserDialogKind } from './user-dialogs.tsx'
import { disablerWords, factorWords, statusWords } from './user-words.ts'

type Act = (kind: UserDialogKind, user: User) => void

export function UsersTable({
  users,
  accounts,
  last,
  onAct,
}: {
  users: readonly User[]
  accounts: readonly Account[] | undefined
  /** The last administrator, if there is only one. */
  last: User | undefined
  onAct: Act
}) {
  const { user_id: ownId } = useSession().principal
  return (
    <Table label="Users" isStacked>
      <TableHead>
        <ColumnHead>User</ColumnHead>
        <ColumnHead>Role</ColumnHead>
        <ColumnHead>Accounts</ColumnHead>
        <ColumnHead>Status</ColumnHead>
        <ColumnHead>Second factor</ColumnHead>
        <ColumnHead>Sessions</ColumnHead>
        <ColumnHead>Last seen</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {users.map(user => (
          <UserRow
            key={user.id}
            user={user}
            accounts={accounts}
            isOwn={user.id === ownId}
            isLast={user.id === last?.id}
            onAct={onAct}
          />
        ))}
      </TableBody>
    </Table>
  )
}

function UserRow({
  user,
  accounts,
  isOwn,
  isLast,
  onAct,
}: {
  user: User
  accounts: readonly Account[] | undefined
  isOwn: boolean
  isLast: boolean
  onAct: Act
}) {
  const { name, email, role, status, sessions, disabled_by: disabledBy, last_seen_at: seenAt } = user
  const { tone, text } = statusWords[status]
  return (
    <TableRow>
      <Cell className="min-w-44 wrap-anywhere">
        <p className="font-medium">
          {name} {isOwn && <Badge tone="info">You</Badge>}
        </p>
        <p className="text-xs text-muted">{email}</p>
      </Cell>
      <Cell label="Role">
        {roleWords[role].label}
        {isLast && <span className="block text-xs text-muted">the only one</span>}
      </Cell>
      <Cell label="Accounts" className="min-w-24">
        <AccountNames accounts={user.accounts} known={accounts} />
      </Cell>
      <Cell label="Status">
        <StatePill tone={tone}>{text}</StatePill>
        {disabledBy && <span className="block text-xs text-muted">{disablerWords[disabledBy]}</span>}
      </Cell>
      <Cell label="Second factor" className="min-w-24">
        {factorWords(user) ?? <span className="text-muted">None</span>}
      </Cell>
      <Cell label="Sessions">
        {sessions > 0 ? (
          <Link
            href={`/sessions?user=${user.id}`}
            className="rounded-sm font-medium whitespace-nowrap text-accent underline"
          >
            {formatCount(sessions, 'session')}
          </Link>
        ) : (
          <span className="text-muted">None</span>
        )}
      </Cell>
      <Cell label="Last seen">
        {seenAt === null ? <span className="text-muted">Never</span> : <RelativeTime at={seenAt} />}
      </Cell>
      <Cell align="right">
        <RowActions subject={name} actions={actionsFor(user, onAct)} />
      </Cell>
    </TableRow>
  )
}

function actionsFor(user: User, onAct: Act): RowAction[] {
  const reset: RowAction =
    user.status === 'invited'
      ? { label: 'New link', icon: LinkIcon, onChoose: () => onAct('reset', user) }
      : { label: 'Reset', icon: KeyRound, onChoose: () => onAct('reset', user) }
  const power: RowAction =
    user.status === 'disabled'
      ? { label: 'Enable', icon: Power, isRare: true, onChoose: () => onAct('enable', user) }
      : { label: 'Disable', icon: PowerOff, isRare: true, onChoose: () => onAct('disable', user) }
  return [
    { label: 'Edit', icon: Pencil, onChoose: () => onAct('edit', user) },
    reset,
    power,
    { label: 'Delete', icon: Trash2, isRare: true, isDangerous: true, onChoose: () => onAct('delete', user) },
  ]
}
