/** How much of a limit is used: a short bar with figures beside it. */
import { classNames } from './class-names.ts'

/**
 * A meter.
 * @param words What the figures count, for screen readers.
 */
export function Meter({ value, max, words }: { value: number; max: number; words: string }) {
  const share = Math.min(value / Math.max(max, 1), 1)
  const fill = value >= max ? 'bg-warn' : 'bg-accent-fill'
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap">
      {/* The native element is exposed to assistive technology; it renders differently in each browser, so our own
         bar is shown. */}
      <meter aria-label={words} value={value} max={max} className="sr-only">
        {value} of {max}
      </meter>
      <span aria-hidden="true" className="block h-2 w-14 overflow-hidden rounded-full border border-line-strong">
        <span
          className={classNames('block h-full forced-color-adjust-none forced-colors:bg-[CanvasText]', fill)}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      <span aria-hidden="true" className="text-xs">
        {value}
        <span className="text-muted"> / {max}</span>
      </span>
    </span>
  )
}
