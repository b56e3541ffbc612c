/** The local index of one account: how far it is built, what it holds, and building it again. */
import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
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
import { type IndexSample, remainingSeconds, sampleOf, withSample } from './index-rate.ts'
import { RebuildDialog } from './rebuild-dialog.tsx'
import { indexIntervalMs, useIndex } from './use-index.ts'

const levelWords: Record<IndexStatus['level'], string> = { off: 'None', headers: 'Headers', text: 'Headers and text' }

export function IndexSection({ account }: { account: Account }) {
  const isConnected = isReadable(account)
  const index = useIndex(account.id, isConnected)
  return (
    <Panel
      title="Index"
      query={index}
      intervalMs={indexIntervalMs}
      isFlush={false}
      isEmpty={({ state }) => state === 'off'}
      empty={
        <p className="text-sm text-soft">
          This server does not index mail: <code className="font-mono text-xs">RUSTYMAIL_INDEX</code> is off.
        </p>
      }
    >
      {status => (
        <Contents account={account} status={status} isConnected={isConnected} updatedAt={index.dataUpdatedAt} />
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
  /** When the status was asked for, in epoch milliseconds. */
  updatedAt: number
}) {
  const { level, state, messages, texts, folders, size_bytes: size } = status
  const mayRebuild = useMay('dashboard:operate')
  const [isAsking, setIsAsking] = useState(false)
  return (
    <div className="grid gap-3">
      <StateLine status={status} isConnected={isConnected} />
      {state === 'building' && <Progress status={status} updatedAt={updatedAt} />}
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

function Progress({ status, updatedAt }: { status: IndexStatus; updatedAt: number }) {
  const { level, places, server_messages: onServer, texts, messages } = status
  const seconds = useRemaining(status, updatedAt)
  return (
    <div className="grid gap-3 lg:grid-cols-2">
      <ProgressBar label="Headers" value={places} max={onServer} />
      {level === 'text' && <ProgressBar label="Texts" value={texts} max={messages} />}
      {seconds !== undefined && (
        <p className="text-xs text-muted lg:col-span-2">
          About {formatDuration(seconds)} left at the pace of the last minute. Mail can be read meanwhile.
        </p>
      )}
    </div>
  )
}

function useRemaining(status: IndexStatus, updatedAt: number): number | undefined {
  const [samples, setSamples] = useState<readonly IndexSample[]>([])
  const next = withSample(samples, sampleOf(status, updatedAt))
  if (next !== samples) setSamples(next)
  return remainingSeconds(next)
}
