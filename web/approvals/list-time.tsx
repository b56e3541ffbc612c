/** A relative time that takes no focus, for rows that are links. */
import { useNow } from '../platform/clock.ts'
import { formatDateTime, formatRelative } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'

export function ListTime({ at }: { at: string }) {
  const { clockOffsetMs } = useLiveStatus()
  const now = useNow(1_000) + clockOffsetMs
  const atMs = Date.parse(at)
  return (
    <time dateTime={at} title={formatDateTime(atMs)}>
      {formatRelative(atMs, now)}
    </time>
  )
}
