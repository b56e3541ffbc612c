/** One account: its current state, the last day, recent errors, and actions. */
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft } from 'lucide-react'
import { Link, useParams } from 'wouter'
import type { RecentError } from '../../contract/account-health.ts'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { logsAddress } from '../logs/log-view.ts'
import { call } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { AccountPanel } from './account-panel.tsx'
import { AccountsSkeleton } from './accounts-skeleton.tsx'
import { faultWords } from './fault-words.ts'
import { GrantSection } from './grant-section.tsx'
import { IndexSection } from './index-section.tsx'
import { ServerSection } from './server-section.tsx'
import { SignatureSection } from './signature-section.tsx'
import { StateStrip } from './state-strip.tsx'
import { UsageSection } from './usage-section.tsx'
import { useAccounts } from './use-accounts.ts'

/** Poll interval in milliseconds, because the shown day advances even without events. */
const statesIntervalMs = 60_000

export function AccountPage() {
  const { id } = useParams<{ id: string }>()
  const accounts = useAccounts()
  const account = accounts.data?.items.find(each => each.id === id)
  const title = account?.name ?? 'Account'
  const mayReadMail = useMay('mail:meta')
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
          empty={<EmptyState title="No such account">It was disconnected, or is not visible to you.</EmptyState>}
        >
          {() => account && <AccountPanel account={account} />}
        </Panel>
        {account && <GrantSection account={account} />}
        {account && mayReadMail && <IndexSection account={account} />}
        {account && <SignatureSection account={account} />}
        {account && <ServerSection account={account} />}
        {account && <UsageSection account={account} />}
        {account && <Past account={account} />}
      </div>
    </>
  )
}

function Past({ account: { id } }: { account: Account }) {
  const mayReadLogs = useMay('dashboard:admin')
  const states = useQuery({
    queryKey: queryKeys.accountStates(id),
    queryFn: ({ signal }) => call(api.accounts.listAccountStates, { params: { account_id: id }, signal }),
    refetchInterval: statesIntervalMs,
  })
  const errors = useQuery({
    queryKey: queryKeys.accountErrors(id),
    queryFn: ({ signal }) => call(api.accountHealth.listAccountErrors, { params: { account_id: id }, signal }),
    refetchInterval: statesIntervalMs,
  })
  return (
    <>
      <Panel title="Last 24 hours" query={states} isFlush={false} intervalMs={statesIntervalMs}>
        {data => <StateStrip stretches={data} />}
      </Panel>
      <Panel
        title="Recent errors"
        query={errors}
        actions={
          mayReadLogs && (
            <Link href={logsAddress({ account: id })} className="rounded-sm text-accent underline">
              In the log
            </Link>
          )
        }
        intervalMs={statesIntervalMs}
        isEmpty={({ items }) => items.length === 0}
        empty={<EmptyState title="No errors">None since RustyMail started.</EmptyState>}
      >
        {({ items }) => <ErrorList errors={items} />}
      </Panel>
    </>
  )
}

function ErrorList({ errors }: { errors: readonly RecentError[] }) {
  return (
    <ol>
      {errors.map(({ cause, detail, server_response: answer, at, first_at: firstAt, count }) => (
        <li key={firstAt} className="grid gap-0.5 border-b px-4 py-2 text-sm last:border-b-0">
          <p className="flex flex-wrap items-baseline justify-between gap-x-3">
            <span className="font-medium">{faultWords[cause].title}</span>
            <span className="text-xs text-muted">
              <RelativeTime at={at} />
              {count > 1 && (
                <>
                  , {formatCount(count, 'time')} since <RelativeTime at={firstAt} />
                </>
              )}
            </span>
          </p>
          <p className="text-soft">{detail}</p>
          {answer && <p className="font-mono text-xs text-muted">{answer}</p>}
        </li>
      ))}
    </ol>
  )
}
