/** One chart on a card: loaded when it is near, drawn, or shown as a table, and saved as a file. */
import { Download, Table2 } from 'lucide-react'
import { memo, type RefObject, useEffect, useRef, useState } from 'react'
import { formatSpan } from '../platform/format.ts'
import { Card } from '../ui/card.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { type ChartDoers, ChartDrawing } from './chart-drawing.tsx'
import type { ChartInfo } from './chart-list.ts'
import { rateWords, shapeOf } from './chart-shape.ts'
import { ChartTable } from './chart-table.tsx'
import { csvOf, download } from './history-csv.ts'
import type { TimeWindow } from './time-range.ts'
import { useChartHistory } from './use-history.ts'
import { useIsNear } from './use-is-near.ts'

interface ChartProps {
  chart: ChartInfo
  window: TimeWindow
  compares: boolean
  /** Whether a link leads to this chart. */
  isWanted: boolean
  doers: ChartDoers
}

/** An off-screen chart keeps its window, so that it does not refetch. */
export function HistoryChart({ window, ...rest }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const isNear = useIsNear(place)
  const [shown, setShown] = useState(window)
  if (shown !== window && (isNear || !shown.isLive || !window.isLive)) setShown(window)
  return <ChartCard {...rest} window={shown} isNear={isNear} place={place} />
}

const ChartCard = memo(function ChartCard({
  chart,
  window,
  compares,
  isWanted,
  doers,
  isNear,
  place,
}: ChartProps & { isNear: boolean; place: RefObject<HTMLDivElement | null> }) {
  const [isTable, setTable] = useState(false)
  const { parts, before, error, retry } = useChartHistory(chart, window, { isEnabled: isNear || isWanted, compares })
  const shape = shapeOf(chart, parts, compares ? before : undefined, window, place.current?.clientWidth || 600)
  const marks = parts[0]?.marks ?? []
  const isLoaded = shape !== undefined
  useEffect(() => {
    // Scrolls again once the chart has its height, as those above it probably have theirs.
    if (isWanted) place.current?.scrollIntoView({ block: isLoaded ? 'center' : 'start' })
  }, [isWanted, isLoaded, place])
  const isEmpty = shape?.lines.every(({ values }) => values.every(value => value === null)) ?? false
  const unit = chart.kind === 'count' && parts[0] ? rateWords(parts[0].step_seconds) : ''
  const save = () => {
    const histories = parts.filter(part => part !== undefined)
    download(`${chart.id}.csv`, csvOf(histories))
  }
  return (
    <div ref={place} id={`chart-${chart.id}`} className="min-w-0 scroll-mt-20">
      <Card
        title={
          <>
            {chart.title}
            {unit && <span className="ml-1.5 text-xs font-normal text-muted">{unit}</span>}
          </>
        }
        actions={
          <span className="-mr-2 flex min-h-9">
            {shape && (
              <>
                <IconButton
                  icon={Table2}
                  label={`${chart.title} as a table`}
                  aria-pressed={isTable}
                  onClick={() => setTable(!isTable)}
                />
                <IconButton icon={Download} label={`Download ${chart.title} as CSV`} onClick={save} />
              </>
            )}
          </span>
        }
      >
        {!shape && error && <ErrorState error={error} onRetry={() => void retry()} />}
        {!shape && !error && <ChartSkeleton />}
        {shape &&
          (isTable ? (
            <ChartTable chart={chart} shape={shape} unit={unit} />
          ) : (
            <ChartDrawing chart={chart} shape={shape} window={window} marks={marks} unit={unit} doers={doers} />
          ))}
        {shape && isEmpty && (
          <p className="text-sm text-muted">
            No data in this time: {formatSpan(window.from * 1000, window.to * 1000)}.
          </p>
        )}
      </Card>
    </div>
  )
})

/** As high as a drawn chart, whose neighbours would otherwise move when it comes. */
function ChartSkeleton() {
  return (
    <div role="status" className="grid gap-1.5">
      <span className="sr-only">Loading the chart</span>
      <Skeleton className="h-5 w-40" />
      <Skeleton className="mb-6.5 h-45 w-full" />
    </div>
  )
}
