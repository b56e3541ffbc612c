/** The traffic between RustyMail and an account's mail server: today by purpose, and the days before. */
import type { AccountUsage, UsageDay } from '../../contract/account-usage.ts'
import type { Account } from '../../contract/accounts.ts'
import { formatBytes, formatNumber } from '../platform/format.ts'
import { StatePill } from '../ui/badge.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Panel } from '../ui/panel.tsx'
import { ProgressBar } from '../ui/progress-bar.tsx'
import { Fact } from './account-facts.tsx'
import { paceWords, usageIntervalMs, useUsage } from './use-usage.ts'

const shownDays = 7
/** Days are in UTC, whatever the reader's time zone. */
const dayFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })

export function UsageSection({ account: { id } }: { account: Account }) {
  const usage = useUsage(id)
  return (
    <Panel
      title="Traffic"
      query={usage}
      intervalMs={usageIntervalMs}
      isFlush={false}
      isEmpty={({ days }) => days.length === 0}
      empty={<EmptyState title="No traffic">None in the last five weeks.</EmptyState>}
    >
      {data => <Contents usage={data} />}
    </Panel>
  )
}

function Today({ bytes }: { bytes: number }) {
  return (
    <>
      {formatBytes(bytes)}
      <span className="block text-xs text-muted">received today</span>
    </>
  )
}

function Contents({ usage: { limits, pace, days } }: { usage: AccountUsage }) {
  const [newest] = days
  if (!newest) return null
  return (
    <div className="grid gap-4">
      <Pace limits={limits} pace={pace} today={newest} />
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3 text-sm lg:grid-cols-4">
        <Fact label="Indexing">
          <Today bytes={newest.sync.received_bytes} />
        </Fact>
        <Fact label="Requests">
          <Today bytes={newest.interactive.received_bytes} />
        </Fact>
        <Fact label="Watching">
          <Today bytes={newest.watch.received_bytes} />
        </Fact>
        <Fact label="Connections">
          {formatNumber(newest.connections)} opened
          <span className="block text-xs text-muted">
            at most {newest.most_open} at once{limits?.connections ? ` of ${limits.connections}` : ''}
          </span>
        </Fact>
      </dl>
      <table className="w-full max-w-md text-sm">
        <thead>
          <tr className="text-left text-xs text-muted">
            <th className="py-1 pr-4 font-normal">Day (UTC)</th>
            <th className="py-1 pr-4 text-right font-normal">Received</th>
            <th className="py-1 text-right font-normal">Sent</th>
          </tr>
        </thead>
        <tbody>
          {days.slice(0, shownDays).map(({ day, received_bytes: received, sent_bytes: sent }) => (
            <tr key={day} className="border-t">
              <td className="py-1 pr-4">{dayFormat.format(Date.parse(day))}</td>
              <td className="py-1 pr-4 text-right tabular-nums">{formatBytes(received)}</td>
              <td className="py-1 text-right tabular-nums">{formatBytes(sent)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Pace({ limits, pace, today }: Pick<AccountUsage, 'limits' | 'pace'> & { today: UsageDay }) {
  const most = limits?.received_bytes_per_day
  if (!limits || !most) return null
  return (
    <div className="grid max-w-md gap-2">
      <ProgressBar
        label={`Daily limit of ${limits.provider}`}
        value={Math.min(today.received_bytes, most)}
        max={most}
        format={formatBytes}
      />
      {pace !== 'full' && (
        <p className="flex flex-wrap items-center gap-2 text-xs text-muted">
          <StatePill tone={pace === 'paused' ? 'warn' : 'busy'}>{pace === 'paused' ? 'Paused' : 'Slowed'}</StatePill>
          {paceWords[pace]}
        </p>
      )}
    </div>
  )
}
