/** The local index of an account: its progress, its contents, and rebuilding it. */
import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { SyncState } from '../../contract/event.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { formatBytes, formatDuration, formatNumber } from '../platform/format.ts'
import { useMay } from '../platform/session.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Panel } from '../ui/panel.tsx'
import { ProgressBar } from '../ui/progress-bar.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { Fact } from './account-facts.tsx'
import { isReadable } from './account-words.ts'
import { IndexLevelField, levelWords } from './index-level.tsx'
import { type IndexSample, remainingSeconds, sampleOf, withSample } from './index-rate.ts'
import { RebuildDialog } from './rebuild-dialog.tsx'
import { indexIntervalMs, useIndex } from './use-index.ts'
import { useSyncProgress } from './use-sync-progress.ts'
import { paceWords, useUsage } from './use-usage.ts'
import { WatchedFolders } from './watched-folders.tsx'

export function IndexSection({ account }: { account: Account }) {
  const isConnected = isReadable(account)
  const index = useIndex(account.id, isConnected)
  return (
    <Panel title="Index" query={index} intervalMs={indexIntervalMs} isFlush={false}>
      {status => (
        <div className="grid gap-4">
          {status.state === 'off' ? (
            <p className="text-sm text-soft">The mail of this account is not indexed.</p>
          ) : (
            <Contents account={account} status={status} isConnected={isConnected} updatedAt={index.dataUpdatedAt} />
          )}
          <div className="grid items-start gap-x-8 gap-y-4 lg:grid-cols-2">
            <IndexLevelField account={account} status={status} />
            {status.state !== 'off' && <WatchedFolders account={account} isConnected={isConnected} />}
          </div>
        </div>
      )}
    </Panel>
  )
}

function Contents({
  account,
  status,
  isConnected,
  updatedAt,
}: {
  account: Account
  status: IndexStatus
  isConnected: boolean
  /** When the status was fetched, in epoch milliseconds. */
  updatedAt: number
}) {
  const { level, state, messages, texts, folders, size_bytes: size } = status
  const mayRebuild = useMay('dashboard:operate')
  const [isAsking, setIsAsking] = useState(false)
  return (
    <div className="grid gap-3">
      <StateLine status={status} isConnected={isConnected} />
      {state === 'building' && <Progress account={account} status={status} updatedAt={updatedAt} />}
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3 text-sm lg:grid-cols-4">
        <Fact label="Level">{levelWords[level]}</Fact>
        <Fact label="Messages">
          {formatNumber(messages)}
          {level === 'text' && <span className="block text-xs text-muted">{formatNumber(texts)} with text</span>}
        </Fact>
        <Fact label="Folders">{formatNumber(folders)}</Fact>
        <Fact label="Disk space">
          {formatBytes(size)}
          {messages > 0 && (
            <span className="block text-xs text-muted">{formatBytes(Math.round(size / messages))} a message</span>
          )}
        </Fact>
      </dl>
      {mayRebuild && (
        <div>
          <Button size="sm" icon={RefreshCw} onClick={() => setIsAsking(true)}>
            Rebuild index
          </Button>
        </div>
      )}
      {isAsking && <RebuildDialog account={account} isConnected={isConnected} onClose={() => setIsAsking(false)} />}
    </div>
  )
}

function StateLine({ status: { state, looked_at: at }, isConnected }: { status: IndexStatus; isConnected: boolean }) {
  if (state === 'building' && !isConnected) {
    return (
      <p className="flex flex-wrap items-center gap-2 text-xs text-muted">
        <StatePill tone="unknown">Waiting</StatePill>
        Continues when the account is connected
      </p>
    )
  }
  return (
    <p className="flex flex-wrap items-center gap-2 text-xs text-muted">
      {state === 'complete' ? <StatePill tone="good">Complete</StatePill> : <StatePill tone="busy">Building</StatePill>}
      {at === null ? (
        'Comparing all folders with the mail server'
      ) : (
        <span>
          Compared with the mail server <RelativeTime at={at} />
        </span>
      )}
    </p>
  )
}

function Progress({ account, status, updatedAt }: { account: Account; status: IndexStatus; updatedAt: number }) {
  const { level, places, server_messages: onServer, texts, messages } = status
  const live = useSyncProgress(account.id)
  // Between two fetches, the stream has newer figures.
  const figure = (phase: SyncState['phase'], value: number, max: number) =>
    live?.phase === phase ? { value: Math.max(live.done, value), max: Math.max(live.total, max) } : { value, max }
  const seconds = useRemaining(status, updatedAt)
  const pace = useUsage(account.id).data?.pace ?? 'full'
  return (
    <div className="grid gap-3">
      {/* Until the server is connected, 0 of 0 would mean nothing. */}
      {(onServer > 0 || live) && (
        <div className="grid gap-3 lg:grid-cols-2">
          <ProgressBar label="Headers" {...figure('headers', places, onServer)} />
          {level === 'text' && <ProgressBar label="Texts" {...figure('texts', texts, messages)} />}
        </div>
      )}
      {live && <p className="min-w-0 break-words text-xs text-muted">{liveWords(live)}</p>}
      {pace !== 'full' && (
        <p className="text-xs text-warn">The daily limit of the mail server is near or reached. {paceWords[pace]}</p>
      )}
      {seconds !== undefined && (
        <p className="text-xs text-muted">
          About {formatDuration(seconds)} left at the pace of the last minute. Mail can be read meanwhile.
        </p>
      )}
    </div>
  )
}

function liveWords({ phase, folder, done, total }: SyncState): string {
  if (phase === 'comparing') return `Comparing folder ${formatNumber(done + 1)} of ${formatNumber(total)}: ${folder}`
  return `Reading ${phase} of ${folder}`
}

function useRemaining(status: IndexStatus, updatedAt: number): number | undefined {
  const [samples, setSamples] = useState<readonly IndexSample[]>([])
  const next = withSample(samples, sampleOf(status, updatedAt))
  if (next !== samples) setSamples(next)
  return remainingSeconds(next)
}
