/** A banner after three seconds without a connection, and what was replayed after the reconnect. */
import { useNow } from '../platform/clock.ts'
import { formatClock, formatCount, formatDuration } from '../platform/format.ts'
import { graceMs, type LiveStatus, useLiveStatus } from '../platform/live.tsx'
import { Banner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'

/** Milliseconds for which the reconnect is shown. */
const backMs = 6_000

export function TroubleBanner() {
  const status = useLiveStatus()
  const now = useNow(1_000)
  const { state, troubleSince, lastReturn } = status
  const inTrouble = state !== 'live' && state !== 'signed_out' && troubleSince !== null && now - troubleSince >= graceMs
  const isBack = state === 'live' && lastReturn !== null && lastReturn.downMs >= graceMs && now - lastReturn.at < backMs
  return (
    <div role="status">
      {inTrouble && (
        <Banner
          tone={state === 'offline' ? 'bad' : 'warn'}
          actions={
            <Button size="sm" onClick={status.retryNow}>
              Retry now
            </Button>
          }
        >
          {troubleWords(status)}
        </Banner>
      )}
      {isBack && <Banner tone="good">{returnWords(lastReturn)}</Banner>}
    </div>
  )
}

function troubleWords({ state, reason, lastReceivedAt }: LiveStatus): string {
  const since = lastReceivedAt === null ? '' : ` Figures are as of ${formatClock(lastReceivedAt)}.`
  if (state === 'offline') return `This device is offline.${since}`
  if (state === 'stale') return `The server has stopped responding; reconnecting.${since}`
  if (state === 'connecting') return 'The server has not answered yet.'
  return `${reason ?? 'The connection was lost'}.${since}`
}

function returnWords({ downMs, replayed, isGap }: NonNullable<LiveStatus['lastReturn']>): string {
  if (isGap) return `Back after ${formatDuration(downMs / 1000)}: events were missed, and everything was reloaded.`
  if (replayed === 0) return 'Back.'
  return `Back: ${formatCount(replayed, 'event')} replayed.`
}
