/** The mail accounts with their states, and a way to connect another one. */
import { FileDown, FileUp, FlaskConical, MailPlus } from 'lucide-react'
import { useUrlState } from '../platform/url-state.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { arranged, columnOf, viewDefaults } from './account-order.ts'
import { AccountsFilter } from './accounts-filter.tsx'
import { AccountsSkeleton } from './accounts-skeleton.tsx'
import { AccountsTable } from './accounts-table.tsx'
import { ConnectDialog } from './connect-dialog.tsx'
import { ExportDialog } from './export-dialog.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { SignedInDialog } from './signed-in-dialog.tsx'
import { useAccounts, useRights, useStartSandbox } from './use-accounts.ts'

/** Number of accounts from which the table has filters. */
const leastFiltered = 6

export function AccountsPage() {
  const accounts = useAccounts()
  const { mayChange } = useRights()
  const [{ connect, move, sign_in: signIn, ...view }, setUrl] = useUrlState({
    ...{ connect: '', move: '', sign_in: '' },
    ...viewDefaults,
  })
  const isNarrowed = view.q !== '' || view.state !== ''
  const onSort = (column: string) => {
    const isAgain = columnOf(view.sort) === column
    setUrl({ sort: column, order: isAgain && view.order === 'asc' ? 'desc' : 'asc' }, { replace: true })
  }
  const closeMove = () => setUrl({ move: '' }, { replace: true })
  const open = () => setUrl({ connect: '1' })
  return (
    <>
      <PageHeader
        title="Accounts"
        description="The mailboxes that RustyMail keeps connected."
        actions={
          mayChange &&
          accounts.data?.items.length !== 0 && (
            <>
              <Button icon={FileUp} onClick={() => setUrl({ move: 'import' })}>
                Import
              </Button>
              <Button icon={FileDown} onClick={() => setUrl({ move: 'export' })}>
                Export
              </Button>
              <Button variant="primary" icon={MailPlus} onClick={open}>
                Connect a mailbox
              </Button>
            </>
          )
        }
      />
      {(isNarrowed || (accounts.data?.items.length ?? 0) >= leastFiltered) && (
        <AccountsFilter view={view} setView={setUrl} />
      )}
      <Panel
        query={accounts}
        skeleton={<AccountsSkeleton />}
        isEmpty={({ items }) => items.length === 0}
        empty={<NoAccounts mayChange={mayChange} onConnect={open} onImport={() => setUrl({ move: 'import' })} />}
      >
        {({ items }) => {
          const shown = arranged(items, view)
          return shown.length > 0 ? (
            <AccountsTable accounts={shown} sorting={{ ...view, onSort }} />
          ) : (
            <EmptyState title="No account like this">None of {items.length} fits the filter.</EmptyState>
          )
        }}
      </Panel>
      {move === 'export' && mayChange && <ExportDialog onClose={closeMove} />}
      {move === 'import' && mayChange && <ImportDialog onClose={closeMove} />}
      {signIn !== '' && mayChange && (
        <SignedInDialog signInId={signIn} onClose={() => setUrl({ connect: '', sign_in: '' }, { replace: true })} />
      )}
      {connect === '1' && signIn === '' && mayChange && (
        <ConnectDialog
          accounts={accounts.data?.items ?? []}
          onClose={() => setUrl({ connect: '' }, { replace: true })}
          onSignedIn={signInId => setUrl({ sign_in: signInId }, { replace: true })}
        />
      )}
    </>
  )
}

function NoAccounts({ mayChange, onConnect, onImport }: { mayChange: boolean; onConnect(): void; onImport(): void }) {
  const { mutate, isPending, error } = useStartSandbox()
  if (!mayChange) {
    return <EmptyState title="No accounts visible to you">An administrator can connect one.</EmptyState>
  }
  return (
    <EmptyState
      icon={MailPlus}
      title="No mailbox is connected"
      actions={
        <>
          <Button variant="primary" icon={MailPlus} onClick={onConnect}>
            Connect a mailbox
          </Button>
          <Button icon={FileUp} onClick={onImport}>
            Import
          </Button>
          <Button icon={FlaskConical} isBusy={isPending} onClick={() => mutate()}>
            Try the sandbox
          </Button>
        </>
      }
    >
      <p>
        Connect your own, or look around in the sandbox: a throw-away mail server on this machine with made-up messages.
      </p>
      {error && <ErrorNote error={error} />}
    </EmptyState>
  )
}
