/** The accounts, those in trouble first, each with its last error and its next try. */
import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { connectionLimit } from '../accounts/connection-limit.ts'
import { useStateWords } from '../accounts/use-state-words.ts'
import { useNow } from '../platform/clock.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { byTrouble } from './account-trouble.ts'

/** The rest is on the accounts page. */
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
          {byTrouble(items)
            .slice(0, mostShown)
            .map(account => (
              <AccountRow key={account.id} account={account} />
            ))}
        </ul>
      )}
    </Panel>
  )
}

function AccountRow({ account }: { account: Account }) {
  const { id, name, email, state, is_sandbox: isSandbox, last_error: error, next_retry_at: nextRetryAt } = account
  const { tone, text } = useStateWords(account)
  const isFailing = state !== 'ready' && state !== 'disabled' && error !== null
  return (
    <li className="grid gap-1 border-b px-4 py-2.5 last:border-b-0">
      <div className="flex items-start justify-between gap-3">
        <p className="min-w-0 flex-1">
          <Link href={`/accounts/${id}`} className="rounded-sm font-medium hover:underline">
            {name}
          </Link>
          {name !== email && <span className="text-sm text-muted"> {email}</span>}{' '}
          {isSandbox && <Badge tone="warn">Sandbox</Badge>}
        </p>
        <StatePill tone={tone}>{text}</StatePill>
      </div>
      {isFailing && (
        <p className="text-sm text-soft">
          {error.detail} <RelativeTime at={error.at} />
        </p>
      )}
      <p className="text-xs text-muted">
        {nextRetryAt && <NextTry at={nextRetryAt} />}
        {state === 'auth_failed' && !nextRetryAt && 'Not tried again until the password or the server changes'}
        {state === 'ready' && <ConnectionsLine account={account} />}
      </p>
    </li>
  )
}

function NextTry({ at }: { at: string }) {
  const isDue = useNow(1_000) >= Date.parse(at)
  if (isDue) return 'Trying again now'
  return (
    <>
      Next try <RelativeTime at={at} />
    </>
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
