/** The chart of a tile with the value under the pointer or selected by arrow keys, live or from the history. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { charts } from '../analytics/chart-list.ts'
import { rateWords, shapeOf } from '../analytics/chart-shape.ts'
import { type RangeName, rangeSeconds, windowOf } from '../analytics/time-range.ts'
import { historyQuery } from '../analytics/use-history.ts'
import { useNow } from '../platform/clock.ts'
import { formatClock, formatMinute } from '../platform/format.ts'
import type { Reading } from '../ui/sparkline-path.ts'
import { type TilePoint, tileShape } from './tile-shape.ts'

export interface TileChartProps {
  /** The chart's id on the analytics page. */
  chartId: string
  range: RangeName
  label: string
  /** Readings of the last minutes. */
  readings: readonly Reading[]
  windowSeconds: number
  endAt: number | undefined
  format(value: number): string
  top: number | undefined
}

interface Shown {
  points: readonly TilePoint[]
  from: number
  to: number
  /** Suffix of a value: `/h`. */
  unit: string
}

/** Number of steps that can be told apart on a tile. */
const columns = 120
const askEveryMs = 60_000
/** Seconds without a sample that leave a gap: two missed samples. */
const liveGapSeconds = 12

export function TileChart(props: TileChartProps) {
  return props.range === '15m' ? <LiveTile {...props} /> : <PastTile {...props} />
}

function LiveTile({ readings, windowSeconds, endAt = 0, ...rest }: TileChartProps) {
  const points = readings.map(({ at, value }) => ({ at, value, low: value, high: value }))
  const shown = { points, from: endAt - windowSeconds, to: endAt, unit: '' }
  return <Drawn {...rest} shown={shown} gapSeconds={liveGapSeconds} />
}

function PastTile({ chartId, range, ...rest }: TileChartProps) {
  const client = useQueryClient()
  const now = useNow(askEveryMs) / 1000
  const { groupBy: _, ...chart } = charts.find(({ id }) => id === chartId) ?? charts[0]!
  const [{ series }] = chart.parts
  const window = windowOf({ range, from: '', to: '' }, now)
  const { data } = useQuery(historyQuery(client, { series, isSparse: true, window, isEnabled: true }))
  const one = { ...chart, parts: [chart.parts[0]] as const }
  const shape = data && shapeOf(one, [data], undefined, window, columns)
  // A latency tile shows the p95, like its figure.
  const line = shape && (chart.kind === 'latency' ? shape.lines[1] : shape.lines[0])
  const points = (shape?.at ?? []).flatMap((at, place) => {
    const value = line?.values[place] ?? null
    if (value === null) return []
    return [{ at, value, low: line?.low?.[place] ?? value, high: line?.high?.[place] ?? value }]
  })
  const unit = chart.kind === 'count' && shape ? `/${rateWords(shape.stepSeconds).slice(4).replace('hour', 'h')}` : ''
  const shown = { points, from: window.to - rangeSeconds[range], to: window.to, unit }
  return <Drawn {...rest} range={range} shown={shown} gapSeconds={(shape?.stepSeconds ?? 0) * 1.5} />
}

function Drawn({
  label,
  shown: { points, from, to, unit },
  format,
  top,
  gapSeconds,
  range = '15m',
}: Pick<TileChartProps, 'label' | 'format' | 'top'> & { shown: Shown; gapSeconds: number; range?: RangeName }) {
  const element = useRef<HTMLDivElement>(null)
  const [place, setPlace] = useState<number>()
  const newest = useRef({ points, from, to })
  useEffect(() => {
    newest.current = { points, from, to }
  })
  useEffect(() => {
    // The tile's link covers the chart, so events are taken from the tile.
    const tile = element.current?.closest('section')
    const ending = new AbortController()
    const on = { signal: ending.signal }
    tile?.addEventListener('pointermove', event => setPlace(placeUnder(event, element.current, newest.current)), on)
    tile?.addEventListener('pointerleave', () => setPlace(undefined), on)
    tile?.addEventListener('focusout', () => setPlace(undefined), on)
    tile?.addEventListener(
      'keydown',
      event => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
        const last = newest.current.points.length - 1
        if (step === undefined || last < 0) return
        event.preventDefault()
        setPlace(before => Math.max(0, Math.min(last, (before ?? last) + step)))
      },
      on,
    )
    return () => ending.abort()
  }, [])
  const { line, band, x, y } = tileShape(points, { from, to, top, gapSeconds })
  const point = place === undefined ? undefined : points[Math.min(place, points.length - 1)]
  const time = point && (range === '15m' || range === '1h' ? formatClock : formatMinute)(point.at * 1000)
  return (
    <div ref={element} className="relative">
      <svg
        viewBox="0 -4 100 108"
        preserveAspectRatio="none"
        className="block h-9 w-full overflow-visible border-b"
        role="img"
      >
        <title>{wordsOf(label, range, points, format)}</title>
        <path d={band} className="fill-accent-tint" />
        <path
          d={line}
          className="fill-transparent stroke-accent"
          strokeWidth={1.5}
          strokeLinecap="round"
          strokeLinejoin="round"
          vectorEffect="non-scaling-stroke"
        />
        {point && (
          <path
            d={`M${x(point.at)} -4V104M${x(point.at)} ${y(point.value)}h0`}
            className="fill-transparent stroke-soft"
            strokeLinecap="round"
            vectorEffect="non-scaling-stroke"
          />
        )}
      </svg>
      <p role="status" className="pointer-events-none absolute inset-x-0 top-full truncate text-2xs text-soft">
        {point && (
          <>
            <span className="font-medium text-ink">{`${format(point.value)}${unit}`}</span>
            {` · ${time}`}
          </>
        )}
      </p>
    </div>
  )
}

function placeUnder(
  { clientX }: PointerEvent,
  element: Element | null,
  { points, from, to }: Pick<Shown, 'points' | 'from' | 'to'>,
): number | undefined {
  if (!element || points.length === 0) return undefined
  const { left, width } = element.getBoundingClientRect()
  const at = from + Math.max(0, Math.min(1, (clientX - left) / Math.max(1, width))) * (to - from)
  let best = 0
  for (const [index, point] of points.entries()) {
    if (Math.abs(point.at - at) < Math.abs(points[best]!.at - at)) best = index
  }
  return best
}

function wordsOf(
  label: string,
  range: RangeName,
  points: readonly TilePoint[],
  format: (value: number) => string,
): string {
  if (points.length === 0) return `${label}: no reading in this time`
  const lowest = Math.min(...points.map(({ low }) => low))
  const highest = Math.max(...points.map(({ high }) => high))
  return `${label} over ${range}: lowest ${format(lowest)}, highest ${format(highest)}`
}
