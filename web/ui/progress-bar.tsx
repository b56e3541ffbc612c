/** How far something has come: a bar as wide as there is room, with its figures above. */
import { formatNumber } from '../platform/format.ts'

/** @param label What is counted. @param format How a figure is shown. */
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
  // Both figures change while they are counted.
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
      {/* The browser's own bar says its value to all; each browser draws it in its own way, so ours stands in for the eye. */}
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
