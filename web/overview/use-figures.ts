/** The current figures and the readings behind the sparklines: loaded once, then updated by the stream. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useFreshness } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { sampleMinutes } from '../platform/sample-ring.ts'

/** Milliseconds between two samples of the server. */
const intervalMs = 5_000

export function useFigures(isEnabled = true) {
  const stats = useQuery({
    queryKey: queryKeys.stats,
    queryFn: ({ signal }) => call(api.metrics.getStats, { signal }),
    enabled: isEnabled,
  })
  const samples = useQuery({
    queryKey: queryKeys.samples,
    queryFn: ({ signal }) => call(api.metrics.listSamples, { query: { minutes: sampleMinutes }, signal }),
    enabled: isEnabled,
  })
  return { stats, samples, freshness: useFreshness(stats.dataUpdatedAt, intervalMs) }
}
