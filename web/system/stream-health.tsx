/** The figures of the event streams, each explained. */
import type { ReactNode } from 'react'
import type { StreamHealth as Health } from '../../contract/stream-health.ts'
import { formatBytes, formatCount, formatNumber } from '../platform/format.ts'
import { Panel } from '../ui/panel.tsx'
import { intervalMs, useStreamHealth } from './use-stream-health.ts'

export function StreamHealth() {
  return (
    <Panel
      title="Event streams"
      query={useStreamHealth()}
      intervalMs={intervalMs}
      isFlush={false}
      footer="Counted since the server started. A stream is one browser or one listening program."
    >
      {health => (
        <dl className="grid grid-cols-2 gap-x-4 gap-y-4 lg:grid-cols-4">
          {figuresOf(health).map(([label, value, words]) => (
            <Figure key={label} label={label} value={value} words={words} />
          ))}
        </dl>
      )}
    </Panel>
  )
}

function Figure({ label, value, words }: { label: string; value: ReactNode; words: string }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{label}</dt>
      <dd>
        <span className="block text-lg font-semibold text-ink">{value}</span>
        <span className="block text-xs text-muted">{words}</span>
      </dd>
    </div>
  )
}

type Row = [label: string, value: string, words: string]

/** Returns the rows; figures that require access to all accounts are null otherwise, and left out. */
function figuresOf(health: Health): Row[] {
  const { log, deliveries_per_second: rate, sent, bytes_sent: bytes, replayed_facts: replayed } = health
  const rows: (Row | false)[] = [
    ['Open', formatNumber(health.streams), `of at most ${formatNumber(health.max_streams)}`],
    rate !== null && ['Deliveries', `${formatNumber(rate)} /s`, 'over the last 60 s at most'],
    sent !== null && ['Sent', formatCount(sent, 'event'), `${formatBytes(bytes ?? 0)} with heartbeats`],
    ['Dropped', formatNumber(health.dropped), health.dropped > 0 ? 'states skipped for slow readers' : 'none skipped'],
    ['Replays', formatNumber(health.replays), replayWords(health.replays, replayed)],
    ['Gaps', formatNumber(health.gaps), health.gaps > 0 ? 'readers had to reload everything' : 'no events missed'],
    [
      'Slow readers',
      formatNumber(health.slow_consumers),
      health.slow_consumers > 0 ? 'disconnected; they reconnect automatically' : 'none disconnected',
    ],
    log !== null && ['Log', formatCount(log.facts, 'fact'), logWords(log)],
  ]
  return rows.filter(row => row !== false)
}

function replayWords(replays: number, facts: number | null): string {
  if (replays === 0) return 'no reader had to catch up'
  return facts === null ? 'streams resumed' : `${formatCount(facts, 'fact')} caught up`
}

function logWords({ oldest, newest, facts, held_in_memory: held, epoch }: NonNullable<Health['log']>): string {
  if (oldest === null) return `no events yet, epoch ${epoch}`
  // Event numbers, as in ids.
  const numbers = facts === 1 ? `number ${newest}` : `${oldest} to ${newest}`
  const inMemory = held === facts ? 'all' : formatNumber(held)
  return `${numbers}, ${held === 0 ? 'none' : inMemory} in memory, epoch ${epoch}`
}
