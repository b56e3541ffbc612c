/** The latest log lines, live: filtered by the address, paused, copied, and exported. */
import { ChevronDown, Download, Pause, Play } from 'lucide-react'
import { useState } from 'react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { formatBytes, formatCount, formatMinute } from '../platform/format.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { Button, ButtonAnchor } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { LogFilterForm } from './log-filter.tsx'
import { LogList } from './log-list.tsx'
import { exportAddress, hasFilter, levelsFrom, viewDefaults } from './log-view.ts'
import { logsIntervalMs, useLogs, useLogView, useOlderLogs } from './use-logs.ts'

export function LogsPage() {
  const [view, setView] = useLogView()
  const [isPaused, setPaused] = useState(false)
  const query = useLogs(view, isPaused)
  const older = useOlderLogs(view)
  const accounts = useAccounts()
  const { data } = query
  const isFiltered = hasFilter(view)
  usePageKeys({ p: () => setPaused(!isPaused) })
  return (
    <>
      <PageHeader
        title="Logs"
        description="The latest log lines of this server, without secrets."
        actions={
          <>
            <Button size="sm" icon={isPaused ? Play : Pause} onClick={() => setPaused(!isPaused)}>
              {isPaused ? 'Resume' : 'Pause'}
            </Button>
            <ButtonAnchor size="sm" icon={Download} href={exportAddress(view)}>
              JSON Lines
            </ButtonAnchor>
          </>
        }
      />
      <LogFilterForm
        view={view}
        levels={levelsFrom(data?.written_level)}
        accounts={accounts.data?.items}
        setView={setView}
        onClear={isFiltered ? () => setView(viewDefaults) : undefined}
      />
      <Panel
        query={query}
        {...(!isPaused && { intervalMs: logsIntervalMs })}
        skeleton={<SkeletonRows count={10} />}
        footer={
          data && (
            <div className="flex flex-wrap items-center justify-between gap-2">
              <span className="inline-flex items-center gap-1">
                {formatCount(data.items.length, 'line')}
                {data.items.length > 0 && (
                  <CopyButton text={data.items.map(line => JSON.stringify(line)).join('\n')} label="Copy these lines" />
                )}
              </span>
              <span>
                Held: {formatCount(data.held.lines, 'line')}, {formatBytes(data.held.bytes)}
                {data.held.since && ` since ${formatMinute(Date.parse(data.held.since))}`}
              </span>
              <Button
                size="sm"
                icon={ChevronDown}
                disabled={data.next_cursor === null}
                isBusy={older.isPending}
                onClick={() => data.next_cursor !== null && older.mutate(data.next_cursor)}
              >
                Older
              </Button>
              {older.error && <ErrorNote error={older.error} />}
            </div>
          )
        }
        isEmpty={({ items }) => items.length === 0}
        empty={
          <EmptyState
            title={isFiltered ? 'No matching line' : 'Nothing logged yet'}
            actions={isFiltered && <Button onClick={() => setView(viewDefaults)}>Show all</Button>}
          >
            {isFiltered
              ? 'No line in memory matches. Older lines are in the log of the service, such as journalctl.'
              : 'Lines appear here as the server writes them.'}
          </EmptyState>
        }
      >
        {({ items }) => (
          <LogList
            key={JSON.stringify(view)}
            lines={items}
            onFilter={change => setView({ ...viewDefaults, ...change })}
          />
        )}
      </Panel>
    </>
  )
}
