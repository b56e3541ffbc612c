/** Progress as a full-width bar with figures above. */
import { formatNumber } from '../platform/format.ts'

/**
 * A progress bar.
 * @param label What is counted.
 * @param format Formats a figure.
 */
export function ProgressBar({
  value,
  max,
  label,
  format = formatNumber,
}: {
  value: number
  max: number
  label: string
  format?(figure: number): string
}) {
  // Both figures change while counting, so `value` may exceed `max` for a moment.
  const done = Math.min(value, max)
  return (
    <div className="grid gap-1">
      <p className="flex flex-wrap justify-between gap-x-3 text-xs">
        <span className="text-muted">{label}</span>
        <span>
          {format(done)}
          <span className="text-muted"> of {format(max)}</span>
        </span>
      </p>
      {/* The native element is exposed to assistive technology; it renders differently in each browser, so our own
         bar is shown. */}
      <progress aria-label={label} value={done} max={Math.max(max, 1)} className="sr-only" />
      <span aria-hidden="true" className="block h-2 overflow-hidden rounded-full border border-line-strong">
        <span
          className="block h-full bg-accent-fill forced-color-adjust-none forced-colors:bg-[CanvasText]"
          style={{ width: `${(done / Math.max(max, 1)) * 100}%` }}
        />
      </span>
    </div>
  )
}
