/** How long it is until a time of the server, second by second. */
import { useNow } from '../platform/clock.ts'
import { formatDateTime, formatDuration } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'

/** @param at ISO 8601, as the server says it. */
export function Countdown({ at }: { at: string }) {
  const { clockOffsetMs } = useLiveStatus()
  const atMs = Date.parse(at)
  const seconds = Math.ceil((atMs - useNow(1_000) - clockOffsetMs) / 1000)
  return (
    <time dateTime={at} title={formatDateTime(atMs)} className="whitespace-nowrap">
      {seconds > 0 ? `in ${formatDuration(seconds)}` : 'now'}
    </time>
  )
}
