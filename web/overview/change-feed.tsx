/** What changed, newest first: from before the page was opened as far as the server holds it, and as it happens. */
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { useFreshness } from '../platform/live.tsx'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { AsOf } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { type Change, changeOf } from './change-words.ts'
import { useChanges } from './use-changes.ts'

const firstShown = 10

export function ChangeFeed({ accounts }: { accounts: readonly Account[] }) {
  const { facts, isLoading } = useChanges()
  const freshness = useFreshness(0)
  const [isWhole, setWhole] = useState(false)
  const changes = facts.flatMap(({ id, event }) => {
    const change = changeOf(event, accounts)
    return change ? [{ id, ...change }] : []
  })
  const shown = isWhole ? changes : changes.slice(0, firstShown)
  return (
    <Card
      title="Changes"
      isFlush
      isStale={freshness.isStale}
      actions={freshness.isStale && freshness.asOf > 0 && <AsOf at={freshness.asOf} />}
    >
      {changes.length === 0 && !isLoading ? (
        <EmptyState title="Nothing yet…">
          New mail, connections, account and configuration changes appear here as they happen.
        </EmptyState>
      ) : (
        <ol>
          {shown.map(change => (
            <ChangeRow key={change.id} change={change} />
          ))}
        </ol>
      )}
      {changes.length > firstShown && (
        <div className="border-t p-2 text-center">
          <Button size="sm" variant="quiet" onClick={() => setWhole(!isWhole)}>
            {isWhole ? 'Show fewer' : `Show all ${changes.length}`}
          </Button>
        </div>
      )}
    </Card>
  )
}

function ChangeRow({ change: { tone, text, at } }: { change: Change }) {
  return (
    <li className="flex items-start gap-2 border-b px-4 py-2 text-sm last:border-b-0">
      <span className="mt-1">
        <ToneIcon tone={tone} />
      </span>
      <span className="min-w-0 flex-1">{text}</span>
      <span className="shrink-0 text-xs text-muted">
        <RelativeTime at={at} />
      </span>
    </li>
  )
}
