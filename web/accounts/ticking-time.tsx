/** Live durations until or since a server time. */
import { useNow } from '../platform/clock.ts'
import { formatDateTime, formatDuration } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'

/** `in 12 s`. @param at ISO 8601, as the server sends it. */
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

/** `for 6 min`. @param at ISO 8601, as the server sends it. */
export function Elapsed({ at }: { at: string }) {
  const { clockOffsetMs } = useLiveStatus()
  const atMs = Date.parse(at)
  const seconds = Math.max(0, Math.floor((useNow(1_000) + clockOffsetMs - atMs) / 1000))
  // Past one minute, seconds are omitted.
  const shown = seconds < 60 ? seconds : seconds - (seconds % 60)
  return (
    <time dateTime={at} title={formatDateTime(atMs)} className="whitespace-nowrap">
      for {formatDuration(shown)}
    </time>
  )
}
