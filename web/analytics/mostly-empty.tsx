/** A note if only the end of the range has data, as on a new server, with a button to show just that. */
import { formatDuration } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { charts } from './chart-list.ts'
import { type RangeName, shorterRange, type TimeWindow } from './time-range.ts'
import { useChartHistory } from './use-history.ts'

export function MostlyEmpty({ window, onRange }: { window: TimeWindow; onRange(range: RangeName): void }) {
  // Cached already, because the page requests it for its marks.
  const { parts } = useChartHistory(charts[0]!, window, { compares: false })
  const first = parts[0]?.groups[0]?.points.at[0]
  const range = first === undefined ? undefined : shorterRange(first, window)
  if (first === undefined || range === undefined) return null
  return (
    <p className="mb-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-soft">
      Only the last {formatDuration(window.to - first)} of this time have data.
      <Button size="sm" onClick={() => onRange(range)}>
        Show only that
      </Button>
    </p>
  )
}
