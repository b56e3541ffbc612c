/** The audit trail: who did what, live and newest first; filtered by the address, exported and verified. */
import { Download, Settings2 } from 'lucide-react'
import { useState } from 'react'
import type { AuditEntry } from '../../contract/audit.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { Button, ButtonAnchor } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { HeldRows } from '../ui/held-rows.tsx'
import { MoreActions } from '../ui/more-actions.tsx'
import { OlderPager } from '../ui/older-pager.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useUsers } from '../users/use-users.ts'
import { AuditFilterForm } from './audit-filter.tsx'
import { AuditSettingsDialog } from './audit-settings-dialog.tsx'
import { AuditTable } from './audit-table.tsx'
import { exportAddress, hasFilter, viewDefaults } from './audit-view.ts'
import { EntryDialog } from './entry-dialog.tsx'
import { useAudit, useAuditView, useVerifyAudit } from './use-audit.ts'
import { VerifyButton, VerifyOutcome } from './verify-trail.tsx'

export function AuditPage() {
  const [view, setView] = useAuditView()
  const query = useAudit(view)
  const accounts = useAccounts()
  const people = useUsers().data?.items
  const verification = useVerifyAudit()
  const [entry, setEntry] = useState<AuditEntry>()
  const [isSetting, setSetting] = useState(false)
  const isFiltered = hasFilter(view)
  const isHead = view.cursor === ''
  const exports = [
    { label: 'CSV', href: exportAddress(view, 'csv') },
    { label: 'JSON Lines', href: exportAddress(view, 'jsonl') },
  ]
  const settings = { label: 'What is recorded', icon: Settings2, onChoose: () => setSetting(true) }
  return (
    <>
      <PageHeader
        title="Audit"
        description="Who did what, from where, and the outcome. Each entry is chained to the previous one."
        actions={
          <>
            <VerifyButton verification={verification} />
            <span className="flex gap-2 max-sm:hidden">
              {exports.map(({ label, href }) => (
                <ButtonAnchor key={label} size="sm" icon={Download} href={href}>
                  {label}
                </ButtonAnchor>
              ))}
              <Button size="sm" icon={settings.icon} onClick={settings.onChoose}>
                {settings.label}
              </Button>
            </span>
            <span className="flex grow-0! sm:hidden">
              <MoreActions
                subject="Audit"
                actions={[
                  ...exports.map(({ label, href }) => ({
                    label,
                    icon: Download,
                    onChoose: () => location.assign(href),
                  })),
                  settings,
                ]}
              />
            </span>
          </>
        }
      />
      <VerifyOutcome verification={verification} />
      <AuditFilterForm
        view={view}
        accounts={accounts.data?.items}
        setView={(change, options) => setView({ ...change, cursor: '' }, options)}
        onClear={isFiltered ? () => setView(viewDefaults) : undefined}
      />
      <Panel
        query={query}
        skeleton={<SkeletonRows count={10} />}
        footer={
          query.data &&
          hasPages(query.data, isHead) && (
            <OlderPager
              label="Pages of the trail"
              unit={['entry', 'entries']}
              end="the trail starts here"
              isHead={isHead}
              shown={query.data.items.length}
              next={query.data.next_cursor}
              isBusy={query.isPlaceholderData}
              onMove={cursor => setView({ cursor })}
            />
          )
        }
      >
        {({ items, next_cursor: next }) =>
          items.length === 0 ? (
            <NoEntries
              isFiltered={isFiltered || !isHead}
              hasMore={next !== null}
              onReset={() => setView(viewDefaults)}
            />
          ) : (
            <HeldRows key={JSON.stringify(view)} label="Newest entries" rows={items} isLive={isHead}>
              {shown => (
                <AuditTable entries={shown} accounts={accounts.data?.items} people={people} onOpen={setEntry} />
              )}
            </HeldRows>
          )
        }
      </Panel>
      {entry && (
        <EntryDialog
          entry={entry}
          accounts={accounts.data?.items}
          people={people}
          onFilter={change => {
            setEntry(undefined)
            setView({ ...viewDefaults, ...change })
          }}
          onClose={() => setEntry(undefined)}
        />
      )}
      {isSetting && <AuditSettingsDialog onClose={() => setSetting(false)} />}
    </>
  )
}

/** Returns whether to show the pager; an empty trail has no pages. */
function hasPages(
  { items, next_cursor: next }: { items: readonly AuditEntry[]; next_cursor: string | null },
  isHead: boolean,
) {
  return items.length > 0 || next !== null || !isHead
}

function NoEntries({ isFiltered, hasMore, onReset }: { isFiltered: boolean; hasMore: boolean; onReset(): void }) {
  if (!isFiltered) {
    return <EmptyState title="No entries yet">Every change, and every refusal, appears here.</EmptyState>
  }
  if (hasMore) {
    return (
      <EmptyState title="No matching entry so far">The server searched part of the trail. Continue below.</EmptyState>
    )
  }
  return (
    <EmptyState title="No matching entry" actions={<Button onClick={onReset}>Show all</Button>}>
      Nothing in the trail matches this filter. Older entries may already have been removed.
    </EmptyState>
  )
}
