/** The verdict on everything that this session may see, kept fresh by the stream. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { useFiring } from '../alerts/use-firing.ts'
import { call } from '../platform/api-client.ts'
import { type Freshness, useFreshness } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { useFigures } from './use-figures.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** Returns the verdict; undefined for callers who may not see the dashboard. */
export function useVerdict(): { verdict: Verdict; freshness: Freshness } | undefined {
  const mayLook = useMay('dashboard:read')
  const accounts = useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
    enabled: mayLook,
  })
  const alerts = useFiring()
  const { stats, samples, freshness: figures } = useFigures(mayLook)
  const freshness = useFreshness(accounts.dataUpdatedAt)
  if (!mayLook) return undefined
  const verdict = verdictOf({
    accounts: accounts.data?.items,
    alerts,
    stats: figures.isStale ? undefined : stats.data,
    samples: samples.data?.items ?? [],
    error: accounts.error,
    freshness,
  })
  return { verdict, freshness }
}
