/** The connection state in words; details on hover and focus. */
import { useId } from 'react'
import { useNow } from '../platform/clock.ts'
import { formatClock, formatCount, formatRelative } from '../platform/format.ts'
import { type LiveStatus, useLiveStatus } from '../platform/live.tsx'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { toneText, toneTint } from '../ui/tone.ts'
import { liveWords } from './live-words.ts'

export function LiveBadge() {
  const id = useId()
  const status = useLiveStatus()
  const now = useNow(1_000)
  const { tone, text, detail, spoken } = liveWords(status, now)
  return (
    <div className="group/live relative">
      <button
        type="button"
        aria-describedby={id}
        onClick={status.retryNow}
        className={classNames(
          'inline-flex min-h-7 items-center gap-1.5 rounded-full px-2.5 text-xs font-medium whitespace-nowrap',
          toneTint[tone],
          toneText[tone],
        )}
      >
        <ToneIcon tone={tone} />
        {text}
        {detail && <span className="max-sm:hidden">{detail}</span>}
      </button>
      <span role="status" className="sr-only">
        {spoken}
      </span>
      <div
        id={id}
        role="tooltip"
        className={classNames(
          'invisible absolute top-full right-0 z-30 mt-1 w-72 max-w-[calc(100dvw-2rem)] rounded-lg border bg-raised p-3',
          'text-xs shadow-float group-focus-within/live:visible group-hover/live:visible',
        )}
      >
        <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-1">
          {detailsOf(status, now).map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="text-right">{value}</dd>
            </div>
          ))}
        </dl>
      </div>
    </div>
  )
}

function detailsOf(status: LiveStatus, now: number): [string, string][] {
  const { lastEvent, lastReceivedAt, reason, liveSince, tabs, isShared, clockOffsetMs, attempt } = status
  const ago = (at: number) => `${formatRelative(at, Math.max(now, at))}, ${formatClock(at)}`
  const rows: [string, string | false][] = [
    [
      'Last event',
      lastEvent ? `${lastEvent.type}, ${formatRelative(lastEvent.at, Math.max(now, lastEvent.at))}` : 'none yet',
    ],
    ['Last heard from server', lastReceivedAt ? ago(lastReceivedAt) : 'not yet'],
    ['Live since', liveSince !== null && formatClock(liveSince)],
    ['Trouble', reason ?? false],
    ['Attempt', attempt > 0 && String(attempt)],
    ['Transport', transportWords()],
    ['Stream', isShared ? `shared with ${formatCount(tabs, 'tab')}` : 'this tab only'],
    ['Clock difference', Math.abs(clockOffsetMs) >= 1_000 && `${Math.round(clockOffsetMs / 1000)} s`],
  ]
  return rows.filter((row): row is [string, string] => row[1] !== false)
}

/** Names the HTTP version of the page, which its stream shares. */
function transportWords(): string {
  const [navigation] = performance.getEntriesByType('navigation')
  const protocol = navigation instanceof PerformanceNavigationTiming ? navigation.nextHopProtocol : ''
  const names: ReadonlyMap<string, string> = new Map(
    Object.entries({ 'http/1.1': 'HTTP/1.1', h2: 'HTTP/2', h3: 'HTTP/3' }),
  )
  return `events over ${names.get(protocol) ?? 'HTTP'}`
}
