/** One account: how it fares now, how it fared over a day, what went wrong, and what can be done. */
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft } from 'lucide-react'
import { Link, useParams } from 'wouter'
import type { Account, AccountStretches } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { formatDuration } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Card } from '../ui/card.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { AccountPanel } from './account-panel.tsx'
import { AccountsSkeleton } from './accounts-skeleton.tsx'
import { faultWords } from './fault-words.ts'
import { failuresIn } from './state-parts.ts'
import { StateStrip } from './state-strip.tsx'
import { useAccounts } from './use-accounts.ts'

/** The window moves on also where nothing happens. */
const statesIntervalMs = 60_000
const mostFailures = 10

export function AccountPage() {
  const { id } = useParams<{ id: string }>()
  const accounts = useAccounts()
  const account = accounts.data?.items.find(each => each.id === id)
  const title = account?.name ?? 'Account'
  return (
    <>
      <Link
        href="/accounts"
        className="mb-2 inline-flex items-center gap-1 rounded-sm text-sm text-soft hover:text-ink"
      >
        <ArrowLeft className="size-4" aria-hidden="true" />
        All accounts
      </Link>
      <PageHeader title={title} description={account && account.email !== account.name && account.email} />
      <div className="grid gap-4">
        <Panel
          query={accounts}
          skeleton={<AccountsSkeleton />}
          isFlush={false}
          isEmpty={() => account === undefined}
          empty={<EmptyState title="No such account">It was disconnected, or you may not see it.</EmptyState>}
        >
          {() => account && <AccountPanel account={account} />}
        </Panel>
        {account && <Past account={account} />}
      </div>
    </>
  )
}

function Past({ account: { id } }: { account: Account }) {
  const states = useQuery({
    queryKey: queryKeys.accountStates(id),
    queryFn: ({ signal }) => call(api.accounts.listAccountStates, { params: { account_id: id }, signal }),
    refetchInterval: statesIntervalMs,
  })
  return (
    <>
      <Panel title="Last 24 hours" query={states} isFlush={false} intervalMs={statesIntervalMs}>
        {data => <StateStrip stretches={data} />}
      </Panel>
      {states.data && <LastErrors stretches={states.data} />}
    </>
  )
}

function LastErrors({ stretches }: { stretches: AccountStretches }) {
  const failures = failuresIn(stretches, mostFailures)
  return (
    <Card title="Last errors" isFlush>
      {failures.length === 0 ? (
        <p className="p-4 text-sm text-muted">None in these 24 hours, as far as the server remembers.</p>
      ) : (
        <ol>
          {failures.map(({ error, from, seconds }) => (
            <li key={from} className="grid gap-0.5 border-b px-4 py-2 text-sm last:border-b-0">
              <p className="flex flex-wrap items-baseline justify-between gap-x-3">
                <span className="font-medium">{faultWords[error.cause].title}</span>
                <span className="text-xs text-muted">
                  <RelativeTime at={from} />
                  {seconds === null ? ', and still so' : `, for ${formatDuration(seconds)}`}
                </span>
              </p>
              <p className="text-soft">{error.detail}</p>
              {error.server_response && <p className="font-mono text-xs text-muted">{error.server_response}</p>}
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}
