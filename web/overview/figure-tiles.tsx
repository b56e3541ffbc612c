/** The six figures, each with its unit and the readings of the last 15 minutes. */
import type { UseQueryResult } from '@tanstack/react-query'
import { Suspense, useState } from 'react'
import type { DashboardStats, Sample } from '../../contract/metrics.ts'
import { formatBytes, formatCount, formatDuration, formatMinute, formatNumber } from '../platform/format.ts'
import { lazyPage } from '../platform/lazy-page.ts'
import type { Freshness } from '../platform/live.tsx'
import { sampleMinutes } from '../platform/sample-ring.ts'
import { useSession } from '../platform/session.ts'
import { useUrlState } from '../platform/url-state.ts'
import { Card, Tile } from '../ui/card.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { AsOf } from '../ui/panel.tsx'
import { FilterSelect, WordOptions } from '../ui/select.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Sparkline } from '../ui/sparkline.tsx'
import type { Reading } from '../ui/sparkline-path.ts'
import { p95Of, responseWords } from './response-words.ts'
import type { TileChartProps } from './tile-chart.tsx'

interface Figure {
  label: string
  /** The chart's id on the analytics page. */
  leadsTo: string
  /** The label for callers who do not see all accounts, whose figure covers theirs only. */
  ownLabel?: string
  value(stats: DashboardStats): string
  unit(stats: DashboardStats): string
  detail(stats: DashboardStats): string
  chart?: {
    label: string
    /** Returns the value of a sample; undefined leaves a gap in the chart. */
    of(sample: Sample): number | undefined
    format(value: number): string
    top?: number
  }
}

const percent = (value: number) => `${formatNumber(value)} %`

const figures: readonly Figure[] = [
  {
    label: 'IMAP connections',
    leadsTo: 'imap-connections',
    ownLabel: 'Your connections',
    value: stats => formatNumber(stats.active_connections),
    unit: () => 'open',
    // All states, so that they add up, short enough for one line of the narrowest tile.
    detail: ({ imap }) => `${imap.open - imap.busy - imap.idle} watching, ${imap.busy} busy, ${imap.idle} idle`,
    chart: { label: 'IMAP connections', of: sample => sample.active_connections, format: formatNumber },
  },
  {
    label: 'Requests',
    leadsTo: 'requests',
    value: stats => formatNumber(stats.requests_per_minute),
    unit: () => 'per min',
    detail: stats => `${formatCount(stats.active_sse_connections, 'stream')} open`,
    chart: { label: 'Requests per minute', of: sample => sample.requests_per_minute, format: formatNumber },
  },
  {
    label: 'Response, p95',
    leadsTo: 'response-time',
    value: stats => responseWords(stats).value,
    unit: stats => responseWords(stats).unit,
    detail: stats => responseWords(stats).detail,
    chart: {
      label: '95th percentile of response times',
      of: p95Of,
      format: value => `${formatNumber(value)} ms`,
    },
  },
  {
    label: 'CPU',
    leadsTo: 'cpu',
    value: stats => formatNumber(stats.system_cpu_usage),
    unit: () => '%',
    detail: stats => `RustyMail ${formatNumber(stats.process.cpu_percent)} %`,
    chart: { label: 'CPU', of: sample => sample.system_cpu_usage, format: percent, top: 100 },
  },
  {
    label: 'Memory',
    leadsTo: 'memory',
    value: stats => formatNumber(stats.system_memory_usage),
    unit: () => '%',
    detail: stats => `RustyMail ${formatBytes(stats.process.rss_bytes)}`,
    chart: { label: 'Memory', of: sample => sample.system_memory_usage, format: percent, top: 100 },
  },
  {
    label: 'Uptime',
    leadsTo: 'requests',
    // The largest unit is big and the rest small, `3` `h 12 min`, so that it fits on one line.
    value: stats => formatDuration(stats.uptime_seconds).split(' ')[0] ?? '',
    unit: stats => formatDuration(stats.uptime_seconds).split(' ').slice(1).join(' '),
    detail: stats => `since ${formatMinute(Date.parse(stats.sampled_at) - stats.uptime_seconds * 1000)}`,
  },
]

/** The first range is in the page's cache; the others are requested from the history. */
const ranges = { '15m': '15 min', '1h': '1 hour', '24h': '24 hours', '7d': '7 days', '30d': '30 days' } as const

/** Crosshair and other ranges, loaded on demand. */
const TileChart = lazyPage<TileChartProps>(async () => (await import('./tile-chart.tsx')).TileChart)

const grid = 'grid grid-cols-2 gap-3 md:grid-cols-3 @min-[60rem]/page:grid-cols-6'

export function FigureTiles({
  stats,
  samples,
  freshness,
}: {
  stats: UseQueryResult<DashboardStats>
  samples: readonly Sample[] | undefined
  freshness: Freshness
}) {
  const seesAll = useSession().principal.accounts === 'all'
  const { data, error } = stats
  const [{ charts }, setUrl] = useUrlState({ charts: '15m' })
  const range = charts in ranges ? (charts as keyof typeof ranges) : '15m'
  const [isWanted, setWanted] = useState(false)
  const wake = () => setWanted(true)
  if (!data && error) {
    return (
      <Card>
        <ErrorState error={error} onRetry={() => void stats.refetch()} />
      </Card>
    )
  }
  if (!data) return <TilesSkeleton />
  return (
    <section aria-label="Figures" className="grid gap-2" onPointerEnter={wake} onFocus={wake}>
      <div className="flex items-center justify-between">
        <h2 className="font-semibold">Server</h2>
        <FilterSelect
          label="Time of the charts"
          className="w-28"
          value={range}
          onChange={charts => setUrl({ charts }, { replace: true })}
        >
          <WordOptions words={ranges} />
        </FilterSelect>
      </div>
      <div className={grid}>
        {figures.map(({ label, leadsTo, ownLabel = label, value, unit, detail, chart }) => (
          <Tile
            key={label}
            label={seesAll ? label : ownLabel}
            href={`/analytics?chart=${leadsTo}&range=${range}`}
            value={value(data)}
            unit={unit(data)}
            detail={
              freshness.isStale ? (
                <AsOf at={freshness.asOf} />
              ) : (
                // Extends into the padding to stay on one line.
                <span className="-mr-3 block tracking-tight">{detail(data)}</span>
              )
            }
            isStale={freshness.isStale}
            chart={
              chart && (
                <FigureChart
                  {...{ chart, leadsTo, range }}
                  samples={samples ?? []}
                  isAwake={isWanted || range !== '15m'}
                />
              )
            }
          />
        ))}
      </div>
    </section>
  )
}

function FigureChart({
  chart: { label, of, format, top },
  leadsTo,
  range,
  samples,
  isAwake,
}: {
  chart: NonNullable<Figure['chart']>
  leadsTo: string
  range: keyof typeof ranges
  samples: readonly Sample[]
  isAwake: boolean
}) {
  const readings = readingsOf(samples, of)
  const shared = { label, readings, windowSeconds: sampleMinutes * 60, endAt: samples.at(-1)?.at, format, top }
  const small = <Sparkline {...shared} />
  if (!isAwake) return small
  return (
    <Suspense fallback={small}>
      <TileChart {...shared} chartId={leadsTo} range={range} />
    </Suspense>
  )
}

function readingsOf(samples: readonly Sample[], read: (sample: Sample) => number | undefined): Reading[] {
  return samples.flatMap(sample => {
    const value = read(sample)
    return value === undefined ? [] : [{ at: sample.at, value }]
  })
}

function TilesSkeleton() {
  return (
    <div role="status" className={grid}>
      <span className="sr-only">Loading the figures</span>
      {figures.map(({ label }) => (
        <div key={label} className="grid gap-2 rounded-lg border bg-surface p-4 shadow-card">
          <Skeleton className="h-4 w-24" />
          <Skeleton className="h-8 w-16" />
          <Skeleton className="h-5 w-full" />
          <Skeleton className="h-9 w-full" />
        </div>
      ))}
    </div>
  )
}
