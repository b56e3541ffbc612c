/** The activity feed, newest first: facts that the server still holds, and live ones. */
import { useEffect, useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { useFreshness } from '../platform/live.tsx'
import { useUrlState } from '../platform/url-state.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { AsOf } from '../ui/panel.tsx'
import { ChangeFilter } from './change-filter.tsx'
import { rowsOf } from './change-groups.ts'
import { typesOf } from './change-kinds.ts'
import { ChangeRow } from './change-row.tsx'
import { useChanges } from './use-changes.ts'

const firstShown = 10

export function ChangeFeed({ accounts }: { accounts: readonly Account[] }) {
  const [view, setView] = useUrlState({ kind: '', account: '' })
  const types = typesOf(view.kind)
  const { facts, isLoading, hasOlder, isLoadingOlder, mayGoOn, loadOlder } = useChanges({
    types,
    accountId: view.account || undefined,
  })
  const freshness = useFreshness(0)
  const [isWhole, setWhole] = useState(false)
  const rows = rowsOf(facts, accounts, hasOlder)
  const shown = isWhole ? rows : rows.slice(0, firstShown)
  // A flood of mail is a single row, so earlier facts are loaded until the feed is filled.
  const wantsMore = mayGoOn && rows.length < firstShown
  useEffect(() => {
    if (wantsMore) void loadOlder()
  }, [wantsMore, loadOlder])
  const isNarrowed = types !== undefined || view.account !== ''
  return (
    <Card
      title="Activity"
      isFlush
      isStale={freshness.isStale}
      actions={
        <>
          {freshness.isStale && freshness.asOf > 0 && <AsOf at={freshness.asOf} />}
          <ChangeFilter view={view} setView={setView} accounts={accounts} />
        </>
      }
    >
      {rows.length === 0 && !isLoading ? (
        <EmptyState title={isNarrowed ? 'Nothing of this kind' : 'Nothing yet…'}>
          {isNarrowed
            ? 'No such change recently. Choose another kind or account.'
            : 'New mail, connections, account and configuration changes appear here live.'}
        </EmptyState>
      ) : (
        <ol>
          {shown.map(row => (
            <ChangeRow key={row.key} row={row} />
          ))}
        </ol>
      )}
      {(rows.length > firstShown || hasOlder) && (
        <div className="flex justify-center gap-2 border-t p-2">
          {rows.length > firstShown && (
            <Button size="sm" variant="quiet" onClick={() => setWhole(!isWhole)}>
              {isWhole ? 'Show fewer' : `Show all ${rows.length}`}
            </Button>
          )}
          {hasOlder && (isWhole || rows.length <= firstShown) && (
            <Button size="sm" variant="quiet" isBusy={isLoadingOlder} onClick={() => void loadOlder()}>
              Older
            </Button>
          )}
        </div>
      )}
    </Card>
  )
}
