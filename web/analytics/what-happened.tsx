/** Event marks of the shown range: restarts, settings, account problems, tokens. Each links to its time. */
import type { HistoryMark } from '../../contract/history.ts'
import { formatCount, formatDateTime, formatMinute } from '../platform/format.ts'
import { Badge } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'
import type { Tone } from '../ui/tone.ts'

const kinds: Record<HistoryMark['kind'], { label: string; tone: Tone }> = {
  restart: { label: 'Start', tone: 'info' },
  settings: { label: 'Settings', tone: 'unknown' },
  account: { label: 'Account', tone: 'warn' },
  token: { label: 'Token', tone: 'info' },
  alert: { label: 'Alert', tone: 'bad' },
  webhook: { label: 'Webhook', tone: 'warn' },
}

const mostShown = 100

/** @param onMoment Shows the time around a mark. */
export function WhatHappened({ marks, onMoment }: { marks: readonly HistoryMark[]; onMoment(at: number): void }) {
  const shown = marks.slice(-mostShown).reverse()
  return (
    <Card title="What happened" actions={marks.length > 0 && formatCount(marks.length, 'mark')} isFlush>
      {marks.length === 0 ? (
        <p className="p-4 text-sm text-muted">
          No restarts, setting changes, account problems or new tokens in this time.
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
        <section aria-label="Marks" tabIndex={0} className="max-h-56 overflow-y-auto">
          <ul className="divide-y">
            {shown.map(({ at, kind, account_id: account, words }) => (
              <li key={`${at} ${kind} ${account} ${words}`} className="flex items-center gap-3 px-4 py-1.5 text-sm">
                <Badge tone={kinds[kind].tone}>{kinds[kind].label}</Badge>
                <span className="min-w-0 flex-1">
                  <bdi>{words}</bdi>
                </span>
                <button
                  type="button"
                  title={`Show the time around ${formatDateTime(at * 1000)}`}
                  onClick={() => onMoment(at)}
                  className="shrink-0 rounded-sm text-xs text-accent underline-offset-2 hover:underline"
                >
                  {formatMinute(at * 1000)}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Card>
  )
}
