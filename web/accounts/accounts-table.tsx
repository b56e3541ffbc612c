/** The accounts in two-line rows; in a narrow container columns are hidden, and the account's page has the rest. */
import { RotateCw } from 'lucide-react'
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { formatCount } from '../platform/format.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { Meter } from '../ui/meter.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { Cell, ColumnHead, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { columnOf, orderOf, type SortColumn } from './account-order.ts'
import { addressOf } from './account-words.ts'
import { connectionLimit } from './connection-limit.ts'
import { faultWords } from './fault-words.ts'
import { NextTry } from './next-try.tsx'
import { Elapsed } from './ticking-time.tsx'
import { useReconnectAccount, useRights } from './use-accounts.ts'
import { useIsParked, useStateWords } from './use-state-words.ts'

interface Sorting {
  sort: string
  order: string
  onSort(column: SortColumn): void
}

const wide = '@max-[58rem]/accounts:hidden'
const middle = '@max-[44rem]/accounts:hidden'
const narrow = '@max-[30rem]/accounts:hidden'

export function AccountsTable({ accounts, sorting }: { accounts: readonly Account[]; sorting: Sorting }) {
  const sortBy = (column: SortColumn) => ({
    order: columnOf(sorting.sort) === column ? orderOf(sorting.order) : undefined,
    onSort: () => sorting.onSort(column),
  })
  const { mayVerify } = useRights()
  return (
    <div className="@container/accounts">
      <table aria-label="Accounts" className="w-full table-fixed border-collapse text-left text-sm">
        <TableHead>
          <ColumnHead sort={sortBy('name')}>Account</ColumnHead>
          <ColumnHead className="w-28" sort={sortBy('state')}>
            State
          </ColumnHead>
          <ColumnHead className={classNames('w-52', wide)} sort={sortBy('server')}>
            Server
          </ColumnHead>
          <ColumnHead className={classNames('w-40', narrow)} sort={sortBy('connections')}>
            Connections
          </ColumnHead>
          <ColumnHead className={classNames('w-28', middle)} sort={sortBy('last_mail')}>
            Last mail
          </ColumnHead>
          {mayVerify && (
            <ColumnHead className="w-13">
              <span className="sr-only">Actions</span>
            </ColumnHead>
          )}
        </TableHead>
        <TableBody>
          {accounts.map(account => (
            <AccountRow key={account.id} account={account} mayVerify={mayVerify} />
          ))}
        </TableBody>
      </table>
    </div>
  )
}

function AccountRow({ account, mayVerify }: { account: Account; mayVerify: boolean }) {
  const { id, name, imap, is_default: isDefault, is_sandbox: isSandbox, last_mail_at: lastMailAt } = account
  const { tone, text } = useStateWords(account)
  const isParked = useIsParked()(account)
  return (
    <TableRow>
      <Cell>
        <p className="flex min-w-0 items-center gap-2">
          <Link href={`/accounts/${id}`} className="truncate rounded-sm font-medium hover:underline" title={name}>
            {name}
          </Link>
          <span className={classNames('flex shrink-0 gap-2', narrow)}>
            {isDefault && <Badge tone="info">Default</Badge>}
            {isSandbox && <Badge tone="warn">Sandbox</Badge>}
          </span>
        </p>
        <SecondLine account={account} isParked={isParked} />
      </Cell>
      <Cell>
        <StatePill tone={tone}>{text}</StatePill>
        {!isParked && (
          <p className="text-xs text-muted">
            <Elapsed at={account.state_since} />
          </p>
        )}
      </Cell>
      <Cell className={classNames('truncate', wide)}>
        <span title={addressOf(imap)}>{addressOf(imap)}</span>
      </Cell>
      <Cell className={narrow}>
        <Connections account={account} />
      </Cell>
      <Cell className={classNames('text-xs', middle)}>
        {lastMailAt ? <RelativeTime at={lastMailAt} /> : <span className="text-muted">None yet</span>}
      </Cell>
      {mayVerify && (
        <Cell align="right">
          <RetryButton account={account} isParked={isParked} />
        </Cell>
      )}
    </TableRow>
  )
}

/** Why the account does not work, or else its address. */
function SecondLine({ account, isParked }: { account: Account; isParked: boolean }) {
  const { name, email, imap, state, enabled, last_error: error, next_retry_at: nextRetryAt } = account
  if (isParked) return <p className="truncate text-xs text-muted">The sandbox stopped with the server</p>
  if (enabled && state !== 'ready' && error) {
    const words = `${faultWords[error.cause].title}: ${error.detail}`
    return (
      <p className="truncate text-xs text-soft" title={words}>
        {faultWords[error.cause].title}
        {nextRetryAt && (
          <>
            . <NextTry account={account} />
          </>
        )}
      </p>
    )
  }
  const note = name === email ? imap.user : email
  return (
    <p className="truncate text-xs text-muted" title={note}>
      {note}
    </p>
  )
}

function Connections({ account: { name, connections } }: { account: Account }) {
  const limit = connectionLimit(connections)
  if (limit === 0) return <span className="text-xs text-muted">None</span>
  return (
    <>
      <Meter value={connections.open} max={limit} words={`Connections of ${name}`} />
      {connections.waiting > 0 && (
        <p className="text-xs text-warn">{formatCount(connections.waiting, 'request')} waiting</p>
      )}
    </>
  )
}

function RetryButton({ account, isParked }: { account: Account; isParked: boolean }) {
  const { mutate, isPending } = useReconnectAccount(account)
  const { enabled, state, name } = account
  if (!enabled || isParked || state === 'ready') return null
  return <IconButton icon={RotateCw} label={`Retry now: ${name}`} disabled={isPending} onClick={() => mutate()} />
}
