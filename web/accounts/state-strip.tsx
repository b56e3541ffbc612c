/** A strip of an account's states over a day: the worse, the higher; unknown times are left out. */
import type { AccountStretch, AccountStretches } from '../../contract/accounts.ts'
import { formatDuration, formatMinute } from '../platform/format.ts'
import { stripOf, wordsOfStates } from './state-parts.ts'

const look: Record<AccountStretch['state'], { fill: string; height: number }> = {
  auth_failed: { fill: 'fill-bad', height: 100 },
  unreachable: { fill: 'fill-bad', height: 100 },
  degraded: { fill: 'fill-warn', height: 70 },
  connecting: { fill: 'fill-info', height: 50 },
  ready: { fill: 'fill-good', height: 32 },
  disabled: { fill: 'fill-unknown', height: 12 },
  unknown: { fill: 'fill-transparent', height: 0 },
}

export function StateStrip({ stretches }: { stretches: AccountStretches }) {
  const { since, until } = stretches
  const sums = wordsOfStates(stretches)
  const words = `In the last 24 hours: ${sums}`
  return (
    <figure className="grid gap-1">
      <svg
        role="img"
        aria-label={words}
        viewBox="0 0 1000 100"
        preserveAspectRatio="none"
        className="block h-12 w-full border-b border-line-strong"
      >
        <title>{words}</title>
        {stripOf(stretches).map(({ x, width, state, from, seconds }) => (
          <rect
            key={from}
            x={x}
            y={100 - look[state].height}
            width={width}
            height={look[state].height}
            className={look[state].fill}
          >
            <title>{`${state.replace('_', ' ')} from ${formatMinute(Date.parse(from))}, for ${formatDuration(seconds)}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption className="flex flex-wrap justify-between gap-x-3 text-xs text-muted">
        <span className="whitespace-nowrap">{formatMinute(Date.parse(since))}</span>
        <span className="whitespace-nowrap">{formatMinute(Date.parse(until))}</span>
        <span className="basis-full text-soft first-letter:uppercase">{sums}</span>
      </figcaption>
    </figure>
  )
}
