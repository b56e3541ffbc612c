/** Cached history: a live range requests only its newest steps. */
import { type QueryClient, queryOptions, useQueries, useQueryClient } from '@tanstack/react-query'
import type { History } from '../../contract/history.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import type { ChartInfo } from './chart-list.ts'
import { appendHistory } from './chart-shape.ts'
import { coarseStepFor, isoOf, stepFor, type TimeWindow, tickMs, timeBefore } from './time-range.ts'

/** Interval in milliseconds of full refetches, which include totals and late samples. */
const wholeEveryMs = 10 * 60_000

interface Held extends History {
  loadedAt: number
}

interface Asked {
  series: string
  groupBy?: ChartInfo['groupBy']
  isSparse?: boolean | undefined
  window: TimeWindow
  isEnabled: boolean
}

export function historyQuery(client: QueryClient, { series, groupBy, isSparse = false, window, isEnabled }: Asked) {
  const { from, to, isLive } = window
  const length = to - from
  const { step, seconds } = (isSparse ? coarseStepFor : stepFor)(window, Math.floor(Date.now() / 1000))
  const place = isLive ? [`last ${length}`] : [`${from}`, `${to}`]
  const queryKey = queryKeys.history(series, [groupBy ?? '', step, ...place])
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }): Promise<Held> => {
      const ask = (begin: number, end?: number) => {
        const times = { from: isoOf(begin), ...(end === undefined ? {} : { to: isoOf(end) }) }
        const query = { series, step, ...times, ...(groupBy ? { group_by: groupBy } : {}) }
        return call(api.history.getHistory, { query, signal })
      }
      if (!isLive) return { ...(await ask(from, to)), loadedAt: Date.now() }
      const begin = Math.floor(Date.now() / 1000) - length
      const held = client.getQueryData<Held>(queryKey)
      const heldUntil = held ? Date.parse(held.to) / 1000 : 0
      if (!held || heldUntil < begin || Date.now() - held.loadedAt > wholeEveryMs) {
        return { ...(await ask(begin)), loadedAt: Date.now() }
      }
      // The last step was incomplete, and the sample before it may have arrived late.
      const newer = await ask(heldUntil - 2 * seconds)
      return { ...appendHistory(held, newer, begin), loadedAt: held.loadedAt }
    },
    enabled: isEnabled,
    refetchInterval: isLive ? tickMs(seconds) : false,
    staleTime: isLive ? tickMs(seconds) : Number.POSITIVE_INFINITY,
    // A year of one chart is small, but ranges left behind by zooming are dropped soon.
    gcTime: 60_000,
    structuralSharing: false,
  })
}

/** Returns the history of each part of a chart, and of its first part in the previous period. */
export function useChartHistory(chart: ChartInfo, window: TimeWindow, { isEnabled = true, compares = true } = {}) {
  const client = useQueryClient()
  const asked = (series: string, of: TimeWindow) =>
    historyQuery(client, {
      ...{ series, isSparse: chart.isSparse, window: of, isEnabled },
      groupBy: of === window ? chart.groupBy : undefined,
    })
  const past = roundedBefore(window)
  const isCompared = compares && chart.groupBy === undefined
  const all = useQueries({
    queries: [
      ...chart.parts.map(({ series }) => asked(series, window)),
      ...(isCompared ? [asked(chart.parts[0].series, past)] : []),
    ],
  })
  const parts = all.slice(0, chart.parts.length)
  return {
    parts: parts.map(({ data }) => data),
    before: isCompared ? all.at(-1)?.data : undefined,
    error: parts.find(({ error }) => error)?.error ?? undefined,
    retry: () => Promise.all(parts.filter(({ error }) => error).map(part => part.refetch())),
  }
}

/** The previous period is complete, so its start advances in larger steps to avoid refetching on each tick. */
function roundedBefore(window: TimeWindow): TimeWindow {
  const past = timeBefore(window)
  if (!window.isLive) return past
  const grain = Math.max(60, Math.round((window.to - window.from) / 60))
  const from = Math.floor(past.from / grain) * grain
  return { from, to: Math.min(Math.floor(Date.now() / 1000), from + (past.to - past.from) + grain), isLive: false }
}
