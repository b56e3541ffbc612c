/** Changes of mail by programs and people, live and newest first; each can be inspected and undone. */
import { History, Undo2 } from 'lucide-react'
import { useState } from 'react'
import type { Operation } from '../../contract/operations.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useMay, useSession } from '../platform/session.ts'
import { useUrlState } from '../platform/url-state.ts'
import { useTokens } from '../tokens/use-tokens.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { OlderPager } from '../ui/older-pager.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { ChangesFilter } from './changes-filter.tsx'
import { ChangesTable } from './changes-table.tsx'
import { eachOnce, hasFilter, principalOfToken, viewDefaults } from './changes-view.ts'
import { OperationDialog } from './operation-dialog.tsx'
import { titleOf } from './operation-lines.ts'
import { UndoDialog } from './undo-dialog.tsx'
import { UndoSessionDialog } from './undo-session-dialog.tsx'
import { UndoSinceDialog } from './undo-since-dialog.tsx'
import { useOperations } from './use-operations.ts'

export function ChangesPage() {
  const [view, setView] = useUrlState(viewDefaults)
  const query = useOperations(view)
  const accounts = useAccounts().data?.items
  const tokens = useTokens().data?.items
  const { principal: self } = useSession()
  const seesOthers = useMay('dashboard:operate')
  const mayOrganise = useMay('mail:organize')
  const [undone, setUndone] = useState<Operation>()
  const isHead = view.cursor === ''
  const nameOf = (id: string) => accounts?.find(account => account.id === id)?.name ?? id
  const principals = eachOnce([
    { kind: 'session', id: self.id, name: 'You, in this session' },
    ...(seesOthers ? (tokens ?? []).map(tokenPrincipal) : []),
    ...(query.data?.items ?? []).map(({ principal }) => principal),
  ])
  const mayUndo = seesOthers || mayOrganise
  // Sessions are identified by principal and name together.
  const session = view.principal !== '' && view.session !== '' && { principal: view.principal, session: view.session }
  const showSession = ({ principal, session }: Operation) =>
    setView({ principal: principal.id, session: session ?? '', operation: '', cursor: '' })
  return (
    <>
      <PageHeader
        title="Changes"
        description={
          seesOthers
            ? 'What programs and people did to mail. Most of it can be undone.'
            : 'What you did to mail. Most of it can be undone.'
        }
        actions={
          mayUndo && (
            <>
              {session && (
                <Button icon={Undo2} onClick={() => setView({ undo: 'session' })}>
                  Undo this session…
                </Button>
              )}
              <Button icon={Undo2} onClick={() => setView({ undo: 'since' })}>
                Undo since…
              </Button>
            </>
          )
        }
      />
      <ChangesFilter
        view={view}
        accounts={accounts ?? []}
        principals={principals}
        seesOthers={seesOthers}
        setView={change => setView({ ...change, cursor: '' })}
      />
      <Panel
        query={query}
        skeleton={<SkeletonRows count={10} />}
        isEmpty={({ items }) => items.length === 0}
        empty={<NoChanges isFiltered={hasFilter(view) || !isHead} onReset={() => setView(viewDefaults)} />}
        footer={
          query.data &&
          (query.data.next_cursor !== null || !isHead) && (
            <OlderPager
              label="Pages of changes"
              unit={['change', 'changes']}
              end="older ones are not kept"
              isHead={isHead}
              shown={query.data.items.length}
              next={query.data.next_cursor}
              isBusy={query.isPlaceholderData}
              onMove={cursor => setView({ cursor })}
            />
          )
        }
      >
        {({ items }) => (
          <ChangesTable
            operations={items}
            nameOf={nameOf}
            onOpen={({ id }) => setView({ operation: id })}
            onUndo={mayUndo ? setUndone : undefined}
            onPrincipal={({ id }) => setView({ principal: id, session: '', cursor: '' })}
            onSession={showSession}
          />
        )}
      </Panel>
      {view.operation !== '' && (
        <OperationDialog
          operationId={view.operation}
          nameOf={nameOf}
          onUndo={mayUndo ? setUndone : undefined}
          onSession={showSession}
          onClose={() => setView({ operation: '' }, { replace: true })}
        />
      )}
      {undone && (
        <UndoDialog
          title={`Undo: ${titleOf(undone)}`}
          target={{ operationId: undone.id }}
          onClose={() => setUndone(undefined)}
        />
      )}
      {view.undo === 'session' && mayUndo && session && (
        <UndoSessionDialog {...session} onClose={() => setView({ undo: '' }, { replace: true })} />
      )}
      {view.undo === 'since' && mayUndo && (
        <UndoSinceDialog
          principals={principals}
          accounts={accounts ?? []}
          principal={view.principal}
          onClose={() => setView({ undo: '' }, { replace: true })}
        />
      )}
    </>
  )
}

function tokenPrincipal({ id, name }: ApiToken): Operation['principal'] {
  return { kind: 'token', id: principalOfToken(id), name }
}

function NoChanges({ isFiltered, onReset }: { isFiltered: boolean; onReset(): void }) {
  if (!isFiltered) {
    return (
      <EmptyState icon={History} title="No changes yet">
        Each move, flag, label, copy and deletion of messages appears here, with a way to undo it. They are kept for 30
        days.
      </EmptyState>
    )
  }
  return (
    <EmptyState title="No matching change" actions={<Button onClick={onReset}>Show all</Button>}>
      Changes are kept for 30 days.
    </EmptyState>
  )
}
