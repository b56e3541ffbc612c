/** The accounts, problems first, each with its last error and next retry. */
import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { notRetriedUntil, serverName } from '../accounts/account-words.ts'
import { connectionLimit } from '../accounts/connection-limit.ts'
import { NextTry } from '../accounts/next-try.tsx'
import { useStateWords } from '../accounts/use-state-words.ts'
import { formatCount } from '../platform/format.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { troubleRows } from './account-trouble.ts'

/** Maximum accounts shown; the rest are on the accounts page. */
const mostShown = 8

export function AccountsPanel({ query }: { query: UseQueryResult<{ items: Account[]; next_cursor: null }> }) {
  const total = query.data?.items.length ?? 0
  return (
    <Panel
      title="Accounts"
      query={query}
      actions={
        <Link href="/accounts" className="rounded-sm font-medium text-accent hover:underline">
          {total > mostShown ? `All ${total} accounts` : 'Manage'}
        </Link>
      }
    >
      {({ items }) => (
        <ul>
          {troubleRows(items)
            .slice(0, mostShown)
            .map(row => (
              <AccountRow key={row[0].id} account={row[0]} others={row.slice(1)} />
            ))}
        </ul>
      )}
    </Panel>
  )
}

/** @param others Accounts with the same state and cause. */
function AccountRow({ account, others }: { account: Account; others: readonly Account[] }) {
  const { id, name, email, imap, state, is_sandbox: isSandbox, last_error: error, next_retry_at: nextRetryAt } = account
  const { tone, text } = useStateWords(account)
  const isFailing = state !== 'ready' && state !== 'disabled' && error !== null
  return (
    <li className="grid gap-1 border-b px-4 py-2.5 last:border-b-0">
      <div className="flex items-start justify-between gap-3">
        <p className="min-w-0 flex-1">
          {others.length > 0 ? (
            <Link
              href={`/accounts?${new URLSearchParams({ q: serverName(imap) })}`}
              className="rounded-sm font-medium hover:underline"
            >
              {formatCount(others.length + 1, 'account')} on {serverName(imap)}
            </Link>
          ) : (
            <Link href={`/accounts/${id}`} className="rounded-sm font-medium hover:underline">
              {name}
            </Link>
          )}
          {others.length === 0 && name !== email && <span className="text-sm text-muted"> {email}</span>}{' '}
          {isSandbox && <Badge tone="warn">Sandbox</Badge>}
        </p>
        <StatePill tone={tone}>{text}</StatePill>
      </div>
      {isFailing && (
        <p className="text-sm text-soft">
          {error.detail} <RelativeTime at={error.at} />
        </p>
      )}
      {others.length > 0 && (
        <p className="truncate text-sm text-muted">{[account, ...others].map(each => each.name).join(', ')}</p>
      )}
      <p className="text-xs text-muted">
        <NextTry account={account} />
        {state === 'auth_failed' && !nextRetryAt && `Not retried ${notRetriedUntil(account)}`}
        {state === 'ready' && <ConnectionsLine account={account} />}
      </p>
    </li>
  )
}

function ConnectionsLine({ account: { connections, last_mail_at: lastMailAt } }: { account: Account }) {
  return (
    <>
      {connections.watching > 0 ? 'Watching INBOX' : 'Not watching'}, {connections.open} open of{' '}
      {connectionLimit(connections)}
      {lastMailAt && (
        <>
          , last mail <RelativeTime at={lastMailAt} />
        </>
      )}
    </>
  )
}
