/** Analytics: every series over a chosen time, side by side, with the events of that time. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useNow } from '../platform/clock.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useUrlState } from '../platform/url-state.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import type { ChartDoers } from './chart-drawing.tsx'
import { charts, visibleCharts } from './chart-list.ts'
import { HistoryChart } from './history-chart.tsx'
import { MostlyEmpty } from './mostly-empty.tsx'
import { RangeBar } from './range-bar.tsx'
import {
  addressOfWindow,
  bounded,
  stepFor,
  type TimeWindow,
  tickMs,
  viewDefaults,
  windowOf,
  zoomed,
} from './time-range.ts'
import { WhatWasSlow, WhoUsedIt } from './usage-tables.tsx'
import { useChartHistory } from './use-history.ts'
import { WhatHappened } from './what-happened.tsx'

export function AnalyticsPage() {
  const [view, setView] = useUrlState(viewDefaults)
  const known = useQuery({
    queryKey: queryKeys.historySeries,
    queryFn: ({ signal }) => call(api.history.listHistorySeries, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const { now, window } = useWindow(view)
  const show = (shown: TimeWindow) => setView(addressOfWindow(shown))
  const newest = useRef({ now, window, show })
  useEffect(() => {
    newest.current = { now, window, show }
  })
  // Stable for the page's lifetime, so that off-screen charts do not re-render.
  const [doers] = useState<ChartDoers>(() => ({
    onZoom: (from, to) => newest.current.show(bounded({ from, to }, newest.current.now)),
    onZoomBy: (factor, around) => {
      const { now: at, window: shown, show: open } = newest.current
      open(zoomed(shown, factor, at, around))
    },
  }))
  const all = known.data && visibleCharts(known.data.items)
  const isAll = view.charts === 'all'
  const shown = all?.filter(({ isExtra, id }) => isAll || !isExtra || id === view.chart)
  const names = new Set(known.data?.items.map(({ name }) => name))
  return (
    <>
      <PageHeader title="Analytics" description="Server history, kept for up to three years." />
      <RangeBar view={view} window={window} now={now} setView={setView} />
      {shown && <MostlyEmpty window={window} onRange={range => setView({ range, from: '', to: '' })} />}
      {known.error && !all && (
        <Card>
          <ErrorState error={known.error} onRetry={() => void known.refetch()} />
        </Card>
      )}
      {!shown && !known.error && <PageSkeleton />}
      {shown && (
        <div className="grid gap-4">
          <div className="grid gap-4 @min-[44rem]/page:grid-cols-2">
            {shown.map(chart => (
              <HistoryChart
                key={chart.id}
                chart={chart}
                window={window}
                compares={view.compare !== 'off'}
                isWanted={view.chart === chart.id}
                doers={doers}
              />
            ))}
          </div>
          {shown.length < (all?.length ?? 0) || isAll ? (
            <p className="text-center">
              <Button onClick={() => setView({ charts: isAll ? '' : 'all' })}>
                {isAll ? 'Show fewer charts' : 'Show more charts'}
              </Button>
            </p>
          ) : null}
          <Marks window={window} onMoment={at => show(zoomed(window, 0.1, now, at))} />
          {names.has('calls') && (
            <div className="grid items-start gap-4 @min-[44rem]/page:grid-cols-2">
              <WhoUsedIt window={window} hasTokens={names.has('tokens')} />
              <WhatWasSlow window={window} />
            </div>
          )}
          {!names.has('calls') && (
            <p className="text-sm text-muted">
              Errors, callers, tools and operations are shown only to users with access to all accounts.
            </p>
          )}
        </div>
      )}
    </>
  )
}

/** Event marks; they are returned with each series, and the first chart's are cached already. */
function Marks({ window, onMoment }: { window: TimeWindow; onMoment(at: number): void }) {
  const { parts } = useChartHistory(charts[0]!, window, { compares: false })
  return <WhatHappened marks={parts[0]?.marks ?? []} onMoment={onMoment} />
}

function useWindow(view: typeof viewDefaults) {
  const start = windowOf(view, Math.floor(Date.now() / 1000))
  const everyMs = tickMs(stepFor(start, Math.floor(Date.now() / 1000)).seconds)
  const now = useNow(everyMs) / 1000
  const { range, from, to } = view
  return { now, window: useMemo(() => windowOf({ range, from, to }, now), [range, from, to, now]) }
}

function PageSkeleton() {
  return (
    <div role="status" className="grid gap-4 @min-[44rem]/page:grid-cols-2">
      <span className="sr-only">Loading the charts</span>
      {['one', 'two', 'three', 'four'].map(name => (
        <Skeleton key={name} className="h-64 w-full" />
      ))}
    </div>
  )
}
