/** The first page: verdict, figures, accounts, and activity. */
import { useQuery } from '@tanstack/react-query'
import { Suspense } from 'react'
import { api } from '../../contract/index.ts'
import { useIsParked } from '../accounts/use-state-words.ts'
import { useAgentCalls } from '../agents/use-agent-calls.ts'
import { call } from '../platform/api-client.ts'
import { lazyPage } from '../platform/lazy-page.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { classNames } from '../ui/class-names.ts'
import { PageHeader } from '../ui/page-header.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { AccountsPanel } from './accounts-panel.tsx'
import { ChangeFeed } from './change-feed.tsx'
import { FigureTiles } from './figure-tiles.tsx'
import { useFigures } from './use-figures.ts'
import { useVerdict } from './use-verdict.ts'
import { VerdictLine } from './verdict-line.tsx'

const callsShown = 6
/** Loaded only when shown: the welcome without accounts, the lane once agents have called. */
const Welcome = lazyPage(async () => (await import('./welcome.tsx')).Welcome)
const LanePanel = lazyPage(async () => (await import('../agents/lane-panel.tsx')).LanePanel)

export function OverviewPage() {
  const accounts = useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
  })
  const calls = useAgentCalls({ limit: callsShown })
  const { stats, samples, freshness } = useFigures()
  const items = accounts.data?.items
  const judged = useVerdict()
  const isParked = useIsParked()
  // A sandbox account of an earlier run does not count.
  const isNew = items?.every(isParked)
  const mayConnect = useMay('dashboard:admin')
  return (
    <>
      <PageHeader title="Overview" />
      <div className="grid gap-4">
        {isNew && mayConnect ? (
          <Suspense fallback={<Skeleton className="h-56 w-full" />}>
            <Welcome hadSandbox={items?.length !== 0} />
          </Suspense>
        ) : (
          judged && <VerdictLine verdict={judged.verdict} />
        )}
        <FigureTiles stats={stats} samples={samples.data?.items} freshness={freshness} />
        {(calls.data?.items.length ?? 0) > 0 && (
          <Suspense>
            <LanePanel calls={calls} accounts={items ?? []} />
          </Suspense>
        )}
        <div className={classNames('grid items-start gap-4', items?.length !== 0 && '@min-[44rem]/page:grid-cols-2')}>
          {items?.length !== 0 && <AccountsPanel query={accounts} />}
          <ChangeFeed accounts={items ?? []} />
        </div>
      </div>
    </>
  )
}
