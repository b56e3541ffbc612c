/** Time relative to the server's clock; the exact time on hover and focus. */
import { useNow } from '../platform/clock.ts'
import { formatDateTime, formatRelative } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'

/**
 * A relative time.
 * @param at ISO 8601, as the server sends it.
 */
export function RelativeTime({ at }: { at: string }) {
  const { clockOffsetMs } = useLiveStatus()
  const now = useNow(1_000) + clockOffsetMs
  const atMs = Date.parse(at)
  return (
    <time
      dateTime={at}
      title={formatDateTime(atMs)}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the exact time must be reachable by keyboard
      tabIndex={0}
      className="group/time relative rounded-sm whitespace-nowrap"
    >
      {formatRelative(atMs, now)}
      <span
        aria-hidden="true"
        className="pointer-events-none absolute bottom-full left-0 z-20 hidden rounded-sm bg-ink px-1.5 py-0.5 text-xs text-canvas group-focus-visible/time:block"
      >
        {formatDateTime(atMs)}
      </span>
    </time>
  )
}
